"""The workflow of one order: reserve, pay, confirm, and their undos when a step fails or the order is cancelled."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.messages import (
        CancelReason,
        OrderInput,
        OrderOutcome,
        OrderState,
        PaymentState,
        PaymentUpdated,
        Resolve,
    )
    from services.errors import AmountMismatch, OrderClaimed, PaymentDeclined, PaymentExpired
    from services.orders.status import PAYMENT_REVIEW, OrderStatus, ResolveAction, UndoStep
    from services.payments.status import PaymentStatus
    from workflows import states
    from workflows.attention import Attention
    from workflows.cancel_reasons import cancel_reason
    from workflows.compensation import Saga, Step, Undo, may_undo, refusal_of, shielded
    from workflows.current_details import CurrentDetails
    from workflows.ids import order_workflow_id
    from workflows.lanes import poll_interval
    from workflows.order_steps import OrderSteps
    from workflows.search_attributes import ORDER_STATUS
    from workflows.stuck_undo import NEXT_TRIES, RESOLVE, StuckUndoWatch, end_of_wait, update_id

#: Seconds until the undos of an order run again whose tables show that something is left.
UNDO_AGAIN = 10
#: Since this patch `OrderStatus` is written when the cancelling begins, too.
CANCELLING_IS_PUBLISHED = "order-status-cancelling"
#: Since this patch every report ends the wait for a refund; before, only the first one on each payment did.
EVERY_REPORT_COUNTS = "every-report-counts"


@workflow.defn
class OrderWorkflow:
    """Drives one order and completes with its outcome; Failed and Terminated are accidents, which recovery repairs.

    It fails when a later run holds the order, when it runs under another id than the order's, and when an undo is
    refused. A run that follows another one goes on from the order's row; for a closed order it returns the outcome.
    """

    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        self._order = order
        self._steps = steps = OrderSteps(order)
        self._saga = Saga(
            Step(self._reserve, undo=Undo(UndoStep.RELEASE_STOCK, steps.release_stock)),
            Step(self._pay, undo=Undo(UndoStep.REFUND_PAYMENT, self._return_money)),
            Step(steps.confirm_order),
        )
        self._details = CurrentDetails(order.attention_after)
        self._attention = Attention(steps.raise_attention, steps.clear_attention, self._details.show_needed)
        self._watch = StuckUndoWatch(order.attention_after, self._attention, steps.record_resolution)
        self._main: asyncio.Task[object] | None = None
        self._status = OrderStatus.CREATED
        self._cancel_reason: CancelReason | None = None
        self._has_method = order.has_method
        #: signals about methods, and how many of them had come when the last charge began
        self._methods_given = self._methods_charged = 0
        self._first_attempt = 1
        self._updated_payments: set[str] = set()
        #: how many reports on payments, and decisions to ask about one, have come
        self._reports = 0

    @workflow.run
    async def run(self, _: OrderInput) -> OrderOutcome:
        """Reserve, pay, confirm; undo everything when a step fails or a cancellation arrives."""
        self._refuse_foreign_id()
        self._main = asyncio.current_task()
        self._details.show(states.PROCESSING)
        try:
            await self._saga.forward()
            outcome = OrderOutcome(OrderStatus.CONFIRMED)
        except BaseException as error:
            if not may_undo(error):
                raise
            outcome = await shielded(self._cancel(error))
        self._publish_status(outcome.status)
        self._details.show(states.ended(outcome))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    @workflow.signal(description="The buyer gave a payment method. Sent by the shop; it takes no input.")
    def payment_method_given(self) -> None:
        """The buyer gave a payment method; the order's row has it."""
        self._has_method = True
        self._methods_given += 1

    @workflow.signal(
        description="The provider reported on a payment: ask it now, instead of at the end of the timer. "
        'Input: {"payment_id": "<paymentId>"}'
    )
    def payment_updated(self, update: PaymentUpdated) -> None:
        """The provider reported on a payment; the provider is asked before anything depends on it."""
        self._look_again(str(update.payment_id))

    @workflow.signal(description="The order is to be cancelled. Sent by the shop; operators use Request Cancellation.")
    def cancel_requested(self) -> None:
        """The order's row is `cancelling`: stop going forward. Repeatable, and the same as a cancellation."""
        if self._main:
            self._main.cancel()

    @workflow.update(description=RESOLVE)
    async def resolve(self, decision: Resolve) -> str:
        """Resolve a stuck undo: `retry`; `mark_done` with its reference; `write_off` with its reason as `reference`.

        A payment under review can be retried: the provider is asked at once.
        """
        if decision.step != PAYMENT_REVIEW:
            return await self._watch.resolve(decision, update_id())
        await self._steps.record_resolution(decision, update_id())
        self._look_again(update_id())
        return f"{decision.step}: {decision.action}"

    @resolve.validator
    def _check_resolve(self, decision: Resolve) -> None:
        reviewed = decision.step == PAYMENT_REVIEW and self._status == OrderStatus.CANCELLING
        if not (reviewed and decision.action == ResolveAction.RETRY):
            self._watch.check(decision)

    @workflow.query(description="The status as this workflow knows it. The order in the database decides.")
    def status(self) -> str:
        """The status as this workflow knows it; the order's row decides."""
        return self._status

    @workflow.query(description=NEXT_TRIES)
    def next_tries(self) -> dict[str, str]:
        """When each undo that waits for the provider runs again."""
        return self._watch.tries

    def _refuse_foreign_id(self) -> None:
        if workflow.info().workflow_id != order_workflow_id(self._order.order_id):
            raise ApplicationError("this is not the order's workflow", type=OrderClaimed.code, non_retryable=True)

    async def _reserve(self) -> None:
        reserved = await self._steps.reserve_stock()
        if not self._methods_given and reserved.has_method is not None:
            self._has_method = reserved.has_method
        self._first_attempt += reserved.failed_attempts

    async def _pay(self) -> None:
        for attempt in range(self._first_attempt, self._order.payment_attempts + 1):
            try:
                payment = await self._charge(attempt)
                await self._wait_until_decided(payment, attempt)
            except Exception as error:
                if refusal_of(error) != PaymentDeclined.code or attempt == self._order.payment_attempts:
                    raise
                self._has_method = self._given_since_charge
            else:
                return
        raise ApplicationError("every attempt to pay has failed", type=PaymentDeclined.code, non_retryable=True)

    async def _charge(self, attempt: int) -> PaymentState:
        while True:
            await self._wait_for_method()
            self._methods_charged = self._methods_given
            payment = await self._steps.charge_payment(attempt)
            if payment is not None:
                return payment
            # The signal said that a method was given, and the row had none.
            self._has_method = self._given_since_charge

    @property
    def _given_since_charge(self) -> bool:
        """Whether a signal about a method came after the last charge had begun, which read the row before."""
        return self._methods_given > self._methods_charged

    async def _wait_for_method(self) -> None:
        if self._has_method:
            return
        self._publish_status(OrderStatus.RESERVED)
        left = self._steps.window_left()
        self._details.show(states.waiting_for_method(workflow.now() + left))
        try:
            await workflow.wait_condition(
                lambda: self._has_method, timeout=left, timeout_summary="cancel the order unless the buyer pays by then"
            )
        except TimeoutError:
            raise _expired() from None
        self._details.show(states.PROCESSING)

    async def _wait_until_decided(self, payment: PaymentState, attempt: int) -> None:
        ends = workflow.now() + self._steps.term(payment)
        looks = 0
        while payment.status != PaymentStatus.SUCCEEDED:
            if payment.status == PaymentStatus.REVIEW:
                await self._attention.raise_(PAYMENT_REVIEW)
                raise ApplicationError("another amount was charged", type=AmountMismatch.code, non_retryable=True)
            if workflow.now() >= ends:
                raise _expired()
            if payment.status == PaymentStatus.PENDING:
                self._publish_status(OrderStatus.PAYMENT_PENDING)
            self._details.show(states.waiting_for_payment(payment.payment_id, ends))
            await self._wait_for_update(str(payment.payment_id), poll_interval(looks, payment.retry_after))
            payment = await self._steps.refresh_payment(payment.payment_id, attempt)
            looks += 1
        self._details.show(states.CONFIRMING)

    async def _return_money(self) -> None:
        looks = 0
        while not (refund := await self._steps.refund_payment()).done:
            seconds, until = poll_interval(looks, refund.retry_after), end_of_wait(refund.waiting)
            self._watch.waits(UndoStep.REFUND_PAYMENT, refund.waiting, seconds)
            self._details.show(states.waiting_for_refund(self._cancel_reason, until))
            await self._wait_for_update(None, seconds)
            looks += 1

    def _look_again(self, report: str) -> None:
        """A report on a payment, or an operator, says that the provider is to be asked at once."""
        self._updated_payments.add(report)
        self._reports += 1

    async def _wait_for_update(self, payment_id: str | None, seconds: float) -> None:
        """Wait until the provider reports on this payment (None: on any), `seconds` at most."""
        every = payment_id is None and workflow.patched(EVERY_REPORT_COUNTS)

        def count() -> int:
            return self._reports if every else len(self._updated_payments)

        known = count()

        def arrived() -> bool:
            return payment_id in self._updated_payments if payment_id else count() > known

        try:
            await workflow.wait_condition(
                arrived, timeout=timedelta(seconds=seconds), timeout_summary="ask the provider again"
            )
        except TimeoutError:
            return
        self._updated_payments.discard(payment_id or "")

    async def _cancel(self, error: BaseException) -> OrderOutcome:
        state = await self._steps.begin_cancel(cancel_reason(error))
        if state.status == OrderStatus.CONFIRMED:
            # Confirmed before the cancellation: the row decides, so the workflow goes forward to its end.
            await self._steps.confirm_order()
            return OrderOutcome(OrderStatus.CONFIRMED)
        self._begin_undo(state)
        state = await self._undo()
        return OrderOutcome(OrderStatus.CANCELLED, state.reason)

    def _begin_undo(self, state: OrderState) -> None:
        self._cancel_reason = state.reason
        if workflow.patched(CANCELLING_IS_PUBLISHED):
            self._publish_status(OrderStatus.CANCELLING)
        self._status = OrderStatus.CANCELLING
        self._details.show(states.cancelling(state.reason, self._order.attention_after))

    async def _undo(self) -> OrderState:
        """Undo everything, again while the tables show that something is left (an undo completed by hand)."""
        while True:
            await self._saga.undo(self._watch.run)
            await self._attention.clear(PAYMENT_REVIEW)
            state = await self._steps.finish_cancel()
            if state.status != OrderStatus.CANCELLING:
                return state
            await workflow.sleep(UNDO_AGAIN, summary="undo what is still left")

    def _publish_status(self, status: OrderStatus) -> None:
        if status != self._status:
            workflow.upsert_search_attributes([ORDER_STATUS.value_set(status)])
            self._status = status


def _expired() -> ApplicationError:
    return ApplicationError("the time to pay is over", type=PaymentExpired.code, non_retryable=True)
