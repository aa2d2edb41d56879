"""The steps of one order, each with its message and its intent."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import (
        BeginCancel,
        CancelReason,
        ChargePayment,
        ClearAttention,
        ConfirmOrder,
        FinishCancel,
        OrderInput,
        OrderState,
        PaymentState,
        RaiseAttention,
        RecordResolution,
        RefreshPayment,
        RefundPayment,
        RefundState,
        ReleaseStock,
        ReservedOrder,
        ReserveStock,
        Resolve,
    )
    from activities.orders import OrderActivities
    from activities.payments import PaymentActivities
    from activities.reservations import ReservationActivities
    from workflows.lanes import PROVIDER_CALL, TRANSACTION, Lanes

#: How long a payment may stay undecided after the provider's own term, before the order stops waiting.
GRACE = timedelta(minutes=2)


class OrderSteps:
    """Every step of one order; keys are business keys, so any step may be repeated."""

    def __init__(self, order: OrderInput) -> None:
        self._id = order.order_id
        self._order = order
        self._run_id = workflow.info().first_execution_run_id
        self._run_started = workflow.info().start_time.timestamp()
        self._window_ends = workflow.info().start_time + timedelta(seconds=order.payment_window)
        self._lanes = Lanes(local=order.local_lane)

    def window_left(self) -> timedelta:
        """Time that is left to start a payment; never negative."""
        return max(self._window_ends - workflow.now(), timedelta(0))

    def term(self, payment: PaymentState) -> timedelta:
        """How long to wait for a payment to be decided: the provider's own term once it said `pending`."""
        if payment.term_left is None:
            return self.window_left()
        return timedelta(seconds=payment.term_left) + GRACE

    async def reserve_stock(self) -> ReservedOrder:
        """Claim the order and hold the goods. Undo: `release_stock`."""
        order = self._order
        message = ReserveStock(self._id, self._run_id, order.hold_seconds, self._run_started, order.payment_window)
        reserved = await self._lanes.run(
            ReservationActivities.reserve_stock, message, TRANSACTION, summary="reserve the goods"
        )
        if reserved.window_left is not None:
            self._window_ends = workflow.now() + timedelta(seconds=reserved.window_left)
        return reserved

    async def release_stock(self) -> None:
        """Release the goods."""
        message = ReleaseStock(self._id)
        await self._lanes.run(ReservationActivities.release_stock, message, TRANSACTION, summary="release the goods")

    async def charge_payment(self, attempt: int) -> PaymentState | None:
        """Take the money, within what is left of the payment window; None without a method. Undo: `refund_payment`."""
        within = max(self.window_left(), PROVIDER_CALL.attempt)
        message = ChargePayment(self._id, attempt, self._run_id)
        summary = f"take the payment, attempt {attempt}"
        return await self._lanes.run(
            PaymentActivities.charge_payment, message, PROVIDER_CALL, summary=summary, within=within
        )

    async def refresh_payment(self, payment_id: UUID, attempt: int) -> PaymentState:
        """Ask the provider what became of a payment."""
        within = max(self.window_left(), timedelta(minutes=5))
        message = RefreshPayment(self._id, payment_id, attempt, self._run_id)
        summary = "ask the provider about the payment"
        return await self._lanes.run(
            PaymentActivities.refresh_payment, message, PROVIDER_CALL, summary=summary, within=within
        )

    async def refund_payment(self) -> RefundState:
        """Send back what was taken; returns whether anything is still undecided."""
        message, summary = RefundPayment(self._id), "send back what was paid"
        return await self._lanes.run(PaymentActivities.refund_payment, message, PROVIDER_CALL, summary=summary)

    async def confirm_order(self) -> OrderState:
        """Confirm the order: the point of no return."""
        message = ConfirmOrder(self._id, self._run_id)
        return await self._lanes.run(OrderActivities.confirm_order, message, TRANSACTION, summary="confirm the order")

    async def begin_cancel(self, reason: CancelReason) -> OrderState:
        """Move the order to `cancelling`, unless it is confirmed."""
        message = BeginCancel(self._id, self._run_id, reason, self._run_started)
        summary = f"begin to cancel: {reason}"
        return await self._lanes.run(OrderActivities.begin_cancel, message, TRANSACTION, summary=summary)

    async def finish_cancel(self) -> OrderState:
        """Move the order to `cancelled`; it stays `cancelling` when the tables show that something is not undone."""
        message = FinishCancel(self._id, self._run_id)
        return await self._lanes.run(
            OrderActivities.finish_cancel, message, TRANSACTION, summary="cancel the order if everything is undone"
        )

    async def raise_attention(self, reason: str) -> None:
        """Mark the order as needing a person."""
        message, summary = RaiseAttention(self._id, reason), ask_for_person(reason)
        await self._lanes.run(OrderActivities.raise_attention, message, TRANSACTION, summary=summary)

    async def clear_attention(self, reason: str) -> None:
        """Remove a reason for which a person was needed."""
        message, summary = ClearAttention(self._id, reason), person_not_needed(reason)
        await self._lanes.run(OrderActivities.clear_attention, message, TRANSACTION, summary=summary)

    async def record_resolution(self, decision: Resolve, decision_id: str) -> None:
        """Write an operator's decision into the timeline; `decision_id` makes it one."""
        step, action, reference, by = decision.step, decision.action, decision.reference, decision.by
        message = RecordResolution(self._id, step, action, reference, decision_id=decision_id, by=by)
        summary = write_decision(decision)
        await self._lanes.run(PaymentActivities.record_resolution, message, TRANSACTION, summary=summary)


def ask_for_person(reason: str) -> str:
    """The summary of a step in the Web UI."""
    return f"ask for a person: {reason}"


def person_not_needed(reason: str) -> str:
    """The summary of a step in the Web UI."""
    return f"a person is no longer needed: {reason}"


def write_decision(decision: Resolve) -> str:
    """The summary of a step in the Web UI; without the reference, which a person wrote."""
    return f"write the decision down: {decision.step}, {decision.action}"
