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
        ReserveStock,
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

    async def reserve_stock(self) -> OrderState:
        """Hold the goods. Undo: `release_stock`."""
        message = ReserveStock(self._id, self._run_id, self._order.hold_seconds)
        return await self._lanes.run(ReservationActivities.reserve_stock, message, TRANSACTION)

    async def release_stock(self) -> None:
        """Release the goods."""
        await self._lanes.run(ReservationActivities.release_stock, ReleaseStock(self._id), TRANSACTION)

    async def charge_payment(self, attempt: int) -> PaymentState:
        """Take the money, within what is left of the payment window. Undo: `refund_payment`."""
        within = max(self.window_left(), PROVIDER_CALL.attempt)
        message = ChargePayment(self._id, attempt)
        return await self._lanes.run(PaymentActivities.charge_payment, message, PROVIDER_CALL, within=within)

    async def refresh_payment(self, payment_id: UUID, attempt: int) -> PaymentState:
        """Ask the provider what became of a payment."""
        within = max(self.window_left(), timedelta(minutes=5))
        message = RefreshPayment(self._id, payment_id, attempt)
        return await self._lanes.run(PaymentActivities.refresh_payment, message, PROVIDER_CALL, within=within)

    async def refund_payment(self) -> RefundState:
        """Send back what was taken; returns whether anything is still undecided."""
        return await self._lanes.run(PaymentActivities.refund_payment, RefundPayment(self._id), PROVIDER_CALL)

    async def confirm_order(self) -> OrderState:
        """Confirm the order: the point of no return."""
        return await self._lanes.run(OrderActivities.confirm_order, ConfirmOrder(self._id), TRANSACTION)

    async def begin_cancel(self, reason: CancelReason) -> OrderState:
        """Move the order to `cancelling`, unless it is confirmed."""
        message = BeginCancel(self._id, self._run_id, reason)
        return await self._lanes.run(OrderActivities.begin_cancel, message, TRANSACTION)

    async def finish_cancel(self) -> OrderState:
        """Move the order to `cancelled`: everything is undone."""
        return await self._lanes.run(OrderActivities.finish_cancel, FinishCancel(self._id), TRANSACTION)

    async def raise_attention(self, reason: str) -> None:
        """Mark the order as needing a person."""
        await self._lanes.run(OrderActivities.raise_attention, RaiseAttention(self._id, reason), TRANSACTION)

    async def clear_attention(self, reason: str) -> None:
        """Remove a reason for which a person was needed."""
        await self._lanes.run(OrderActivities.clear_attention, ClearAttention(self._id, reason), TRANSACTION)

    async def record_resolution(self, step: str, action: str, reference: str) -> None:
        """Write an operator's decision into the timeline."""
        message = RecordResolution(self._id, step, action, reference)
        await self._lanes.run(PaymentActivities.record_resolution, message, TRANSACTION)
