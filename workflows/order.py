"""The workflow of one order: reserve, pay, confirm, and their undos when a step fails or the order is cancelled."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.messages import OrderInput, OrderOutcome, PaymentState, PaymentUpdated, Resolve
    from services.errors import PaymentDeclined, PaymentExpired
    from services.orders.status import PAYMENT_REVIEW, OrderStatus, UndoStep
    from services.payments.status import PaymentStatus
    from workflows.attention import Attention
    from workflows.cancel_reasons import cancel_reason
    from workflows.compensation import Saga, Step, Undo, may_undo, refusal_of, shielded
    from workflows.lanes import poll_interval
    from workflows.order_steps import OrderSteps
    from workflows.search_attributes import ORDER_STATUS
    from workflows.stuck_undo import StuckUndoWatch


@workflow.defn
class OrderWorkflow:
    """Drives one order and completes with its outcome; Failed and Terminated are accidents.

    It fails when another run holds the order, and when an undo is refused.
    """

    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        self._order = order
        self._steps = steps = OrderSteps(order)
        self._saga = Saga(
            Step(steps.reserve_stock, undo=Undo(UndoStep.RELEASE_STOCK, steps.release_stock)),
            Step(self._pay, undo=Undo(UndoStep.REFUND_PAYMENT, self._return_money)),
            Step(steps.confirm_order),
        )
        self._attention = Attention(steps.raise_attention, steps.clear_attention)
        self._watch = StuckUndoWatch(order.attention_after, self._attention, steps.record_resolution)
        self._main: asyncio.Task[object] | None = None
        self._status = OrderStatus.CREATED
        self._has_method = order.has_method
        self._updated_payments: set[str] = set()

    @workflow.run
    async def run(self, _: OrderInput) -> OrderOutcome:
        """Reserve, pay, confirm; undo everything when a step fails or a cancellation arrives."""
        self._main = asyncio.current_task()
        try:
            await self._saga.forward()
            outcome = OrderOutcome(OrderStatus.CONFIRMED)
        except BaseException as error:
            if not may_undo(error):
                raise
            outcome = await shielded(self._cancel(error))
        self._publish_status(outcome.status)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    @workflow.signal
    def payment_method_given(self) -> None:
        """The buyer gave a payment method; the order's row has it."""
        self._has_method = True

    @workflow.signal
    def payment_updated(self, update: PaymentUpdated) -> None:
        """The provider reported on a payment; the provider is asked before anything depends on it."""
        self._updated_payments.add(str(update.payment_id))

    @workflow.signal
    def cancel_requested(self) -> None:
        """The order's row is `cancelling`: stop going forward. Repeatable, and the same as a cancellation."""
        if self._main:
            self._main.cancel()

    @workflow.update
    async def resolve(self, decision: Resolve) -> str:
        """Resolve a stuck undo: `retry`, `mark_done` with a reference, or `write_off`."""
        return await self._watch.resolve(decision)

    @resolve.validator
    def _check_resolve(self, decision: Resolve) -> None:
        self._watch.check(decision)

    @workflow.query
    def status(self) -> str:
        """The status as this workflow knows it; the order's row decides."""
        return self._status

    async def _pay(self) -> None:
        for attempt in range(1, self._order.payment_attempts + 1):
            await self._wait_for_method()
            try:
                payment = await self._steps.charge_payment(attempt)
                await self._wait_until_decided(payment, attempt)
            except Exception as error:
                if refusal_of(error) != PaymentDeclined.code or attempt == self._order.payment_attempts:
                    raise
                self._has_method = False
            else:
                return

    async def _wait_for_method(self) -> None:
        if self._has_method:
            return
        self._publish_status(OrderStatus.RESERVED)
        try:
            await workflow.wait_condition(lambda: self._has_method, timeout=self._steps.window_left())
        except TimeoutError:
            raise _expired() from None

    async def _wait_until_decided(self, payment: PaymentState, attempt: int) -> None:
        ends = workflow.now() + self._steps.term(payment)
        looks = 0
        while payment.status != PaymentStatus.SUCCEEDED:
            if payment.status == PaymentStatus.REVIEW:
                await self._attention.raise_(PAYMENT_REVIEW)
            if payment.status == PaymentStatus.REVIEW or workflow.now() >= ends:
                raise _expired()
            if payment.status == PaymentStatus.PENDING:
                self._publish_status(OrderStatus.PAYMENT_PENDING)
            await self._wait_for_update(str(payment.payment_id), poll_interval(looks, payment.retry_after))
            payment = await self._steps.refresh_payment(payment.payment_id, attempt)
            looks += 1

    async def _return_money(self) -> None:
        looks = 0
        while not (refund := await self._steps.refund_payment()).done:
            await self._wait_for_update(None, poll_interval(looks, refund.retry_after))
            looks += 1

    async def _wait_for_update(self, payment_id: str | None, seconds: float) -> None:
        """Wait until the provider reports on this payment (None: on any), `seconds` at most."""
        known = len(self._updated_payments)

        def arrived() -> bool:
            return payment_id in self._updated_payments if payment_id else len(self._updated_payments) > known

        try:
            await workflow.wait_condition(arrived, timeout=timedelta(seconds=seconds))
        except TimeoutError:
            return
        self._updated_payments.discard(payment_id or "")

    async def _cancel(self, error: BaseException) -> OrderOutcome:
        state = await self._steps.begin_cancel(cancel_reason(error))
        if state.status == OrderStatus.CONFIRMED:
            # Confirmed before the cancellation: the row decides, so the workflow goes forward to its end.
            await self._steps.confirm_order()
            return OrderOutcome(OrderStatus.CONFIRMED)
        self._show_status(OrderStatus.CANCELLING)
        await self._saga.undo(self._watch.run)
        await self._attention.clear(PAYMENT_REVIEW)
        state = await self._steps.finish_cancel()
        return OrderOutcome(OrderStatus.CANCELLED, state.reason)

    def _publish_status(self, status: OrderStatus) -> None:
        if status != self._status:
            workflow.upsert_search_attributes([ORDER_STATUS.value_set(status)])
            self._show_status(status)

    def _show_status(self, status: OrderStatus) -> None:
        self._status = status
        workflow.set_current_details(f"The order is **{status}**.")


def _expired() -> ApplicationError:
    return ApplicationError("the time to pay is over", type=PaymentExpired.code, non_retryable=True)
