"""An order from reserve to confirm, and back again when something fails or somebody cancels."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.exceptions import TimeoutError as StepTimeout

with workflow.unsafe.imports_passed_through():
    from activities.messages import OrderInput, OrderOutcome, PaymentState, PaymentUpdated, Resolve
    from workflows.compensation import Compensation, may_undo, refusal_of, root_cause, shielded
    from workflows.lanes import LOOK_AGAIN
    from workflows.order_steps import OrderSteps
    from workflows.search_attributes import ORDER_STATUS
    from workflows.stuck_undo import Watch

#: What each refusal of a step means for the order.
_REASONS = {
    "OutOfStock": "out_of_stock",
    "ReservationClosed": "reservation_expired",
    "ReservationExpired": "reservation_expired",
    "PaymentDeclined": "payment_declined",
    "PaymentExpired": "payment_expired",
}


@workflow.defn
class OrderWorkflow:
    """Drives one order; always completes with its outcome, so that Failed and Terminated are accidents."""

    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        self._order = order
        self._steps = OrderSteps(order)
        self._undo = Compensation()
        self._watch = Watch(order.attention_after, self._steps.raise_attention, self._steps.record_resolution)
        self._main: asyncio.Task[object] | None = None
        self._status = "created"
        self._has_method = order.has_method
        self._settled: set[str] = set()

    @workflow.run
    async def run(self, _: OrderInput) -> OrderOutcome:
        """Reserve, pay, confirm; undo what was done when a step fails or a cancellation arrives."""
        self._main = asyncio.current_task()
        try:
            # Both before the first step: a worker that dies takes its local steps with it, and the run that takes
            # over begins at the top, where a cancellation may meet it before it comes to the charge again.
            self._undo.add("release_stock", self._steps.release_stock)
            self._undo.add("refund_payment", self._return_money)
            await self._steps.reserve_stock()
            await self._pay()
            await self._steps.confirm_order()
            outcome = OrderOutcome("confirmed")
        except BaseException as error:
            if not may_undo(error):
                raise
            outcome = await shielded(self._close(error))
        self._rest(outcome.status)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    @workflow.signal
    def payment_method_given(self) -> None:
        """The buyer said how to pay; the order's row has it."""
        self._has_method = True

    @workflow.signal
    def payment_updated(self, news: PaymentUpdated) -> None:
        """The provider has news of a payment; a hint, so the provider is asked."""
        self._settled.add(str(news.payment_id))

    @workflow.signal
    def cancel_requested(self) -> None:
        """The order's row is already cancelling: stop going forward. Repeatable, and the same as a cancellation."""
        if self._main:
            self._main.cancel()

    @workflow.update
    async def resolve(self, decision: Resolve) -> str:
        """An operator settles a stuck undo: `retry`, `mark_done` with a reference, or `write_off`."""
        return await self._watch.resolve(decision)

    @resolve.validator
    def _check_resolve(self, decision: Resolve) -> None:
        self._watch.check(decision)

    @workflow.query
    def status(self) -> str:
        """Where the workflow believes the order to be; the row is the arbiter."""
        return self._status

    async def _pay(self) -> None:
        for attempt in range(1, self._order.payment_attempts + 1):
            await self._method_known()
            try:
                payment = await self._steps.charge_payment(attempt)
                await self._made_known(payment, attempt)
            except Exception as error:
                if refusal_of(error) != "PaymentDeclined" or attempt == self._order.payment_attempts:
                    raise
                self._has_method = False
            else:
                return

    async def _method_known(self) -> None:
        if self._has_method:
            return
        self._rest("reserved")
        try:
            await workflow.wait_condition(lambda: self._has_method, timeout=self._steps.window_left())
        except TimeoutError:
            raise ApplicationError("payment-expired", type="PaymentExpired", non_retryable=True) from None

    async def _made_known(self, payment: PaymentState, attempt: int) -> None:
        term = workflow.now() + self._steps.term(payment)
        looks = 0
        while payment.status != "succeeded":
            if payment.status == "review" or workflow.now() >= term:
                raise ApplicationError("payment-expired", type="PaymentExpired", non_retryable=True)
            if payment.status == "pending":
                self._rest("payment_pending")
            await self._news_of(str(payment.payment_id), max(payment.look_again, LOOK_AGAIN[looks]))
            payment = await self._steps.refresh_payment(payment.payment_id, attempt)
            looks = min(looks + 1, len(LOOK_AGAIN) - 1)

    async def _return_money(self) -> None:
        looks = 0
        while not (returned := await self._steps.refund_payment(looks)).done:
            await self._news_of(None, max(returned.look_again, LOOK_AGAIN[min(looks, len(LOOK_AGAIN) - 1)]))
            looks += 1

    async def _news_of(self, payment_id: str | None, seconds: float) -> None:
        known = len(self._settled)

        def arrived() -> bool:
            return payment_id in self._settled if payment_id else len(self._settled) > known

        try:
            await workflow.wait_condition(arrived, timeout=timedelta(seconds=seconds))
        except TimeoutError:
            return
        self._settled.discard(payment_id or "")

    async def _close(self, error: BaseException) -> OrderOutcome:
        standing = await self._steps.begin_cancel(_reason(error))
        if standing.status == "confirmed":
            # Confirmed before the cancellation: the row decides, so go forward to its end.
            await self._steps.confirm_order()
            return OrderOutcome("confirmed")
        self._say("cancelling")
        await self._undo.run(self._watch.over)
        standing = await self._steps.finish_cancel()
        return OrderOutcome("cancelled", standing.reason)

    def _rest(self, status: str) -> None:
        if status != self._status:
            workflow.upsert_search_attributes([ORDER_STATUS.value_set(status)])
            self._say(status)

    def _say(self, status: str) -> None:
        self._status = status
        workflow.set_current_details(f"The order is **{status}**.")


def _reason(error: BaseException) -> str:
    refusal = refusal_of(error)
    if refusal in _REASONS:
        return _REASONS[refusal]
    if isinstance(root_cause(error), StepTimeout):
        return "payment_expired"
    if refusal is None:
        # A cancellation from the CLI or Web UI; one by the buyer has written its reason into the row before.
        return "operator_request"
    return "internal"
