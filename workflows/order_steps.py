"""The steps of one order, each with its intent, so that the workflow itself reads like the business."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import (
        BeginCancel,
        ChargePayment,
        ConfirmOrder,
        FinishCancel,
        MoneyReturned,
        OrderInput,
        OrderStanding,
        PaymentState,
        RaiseAttention,
        RecordResolution,
        RefreshPayment,
        ReleaseStock,
        ReserveStock,
        UndoPayment,
    )
    from activities.orders import OrderActivities
    from activities.payments import PaymentActivities
    from activities.reservations import ReservationActivities
    from workflows.lanes import EXCHANGE, TRANSACTION, two_lanes

#: How long a payment may stay undecided after the provider's own term, before the order gives up waiting.
GRACE = timedelta(minutes=2)


class OrderSteps:
    """Every step of one order; keys are business keys, so any of them may be repeated."""

    def __init__(self, order: OrderInput) -> None:
        self._id = order.order_id
        self._order = order
        self._run_id = workflow.info().first_execution_run_id
        self._window_ends = workflow.info().start_time + timedelta(seconds=order.payment_window)
        self._local = order.local_lane

    def window_left(self) -> timedelta:
        """Time that is left to start a payment; never negative."""
        return max(self._window_ends - workflow.now(), timedelta(0))

    def term(self, payment: PaymentState) -> timedelta:
        """How long to wait for a payment to be decided: the provider's own term once it said `pending`."""
        if payment.term_left is None:
            return self.window_left()
        return timedelta(seconds=payment.term_left) + GRACE

    async def reserve_stock(self) -> OrderStanding:
        """Hold the goods. Undo: `release_stock`."""
        message = ReserveStock(self._id, self._run_id, self._order.hold_seconds)
        return await two_lanes(
            ReservationActivities.reserve_stock, message, name="reserve_stock", intent=TRANSACTION, local=self._local
        )

    async def release_stock(self) -> None:
        """Give the goods back."""
        message = ReleaseStock(self._id)
        await two_lanes(
            ReservationActivities.release_stock, message, name="release_stock", intent=TRANSACTION, local=self._local
        )

    async def charge_payment(self, attempt: int) -> PaymentState:
        """Take the money, within what is left of the payment window. Undo: `refund_payment`."""
        return await two_lanes(
            PaymentActivities.charge_payment,
            ChargePayment(self._id, attempt),
            name=f"charge_payment-{attempt}",
            intent=EXCHANGE,
            local=self._local,
            within=max(self.window_left(), EXCHANGE.attempt),
        )

    async def refresh_payment(self, payment_id: UUID, attempt: int) -> PaymentState:
        """Ask the provider what became of a payment."""
        return await two_lanes(
            PaymentActivities.refresh_payment,
            RefreshPayment(self._id, payment_id, attempt),
            name=f"settle_payment-{attempt}",
            intent=EXCHANGE,
            local=self._local,
            within=max(self.window_left(), timedelta(minutes=5)),
        )

    async def refund_payment(self, look: int) -> MoneyReturned:
        """Give back what was taken; tells whether anything is still undecided."""
        return await two_lanes(
            PaymentActivities.refund_payment,
            UndoPayment(self._id),
            name="refund_payment" if not look else f"refund_payment-{look}",
            intent=EXCHANGE,
            local=self._local,
        )

    async def confirm_order(self) -> OrderStanding:
        """The point of no return."""
        message = ConfirmOrder(self._id)
        return await two_lanes(
            OrderActivities.confirm_order, message, name="confirm_order", intent=TRANSACTION, local=self._local
        )

    async def begin_cancel(self, reason: str) -> OrderStanding:
        """Close the order's door, unless it is confirmed."""
        message = BeginCancel(self._id, self._run_id, reason)
        return await two_lanes(
            OrderActivities.begin_cancel, message, name="begin_cancel", intent=TRANSACTION, local=self._local
        )

    async def finish_cancel(self) -> OrderStanding:
        """Everything is undone."""
        message = FinishCancel(self._id)
        return await two_lanes(
            OrderActivities.finish_cancel, message, name="finish_cancel", intent=TRANSACTION, local=self._local
        )

    async def raise_attention(self, reason: str | None) -> None:
        """Ask for a person, or (None) no longer."""
        message = RaiseAttention(self._id, reason)
        await two_lanes(
            OrderActivities.raise_attention, message, name="raise_attention", intent=TRANSACTION, local=self._local
        )

    async def record_resolution(self, step: str, action: str, reference: str) -> None:
        """Write an operator's decision into the timeline."""
        message = RecordResolution(self._id, step, action, reference)
        await two_lanes(
            PaymentActivities.record_resolution,
            message,
            name="record_resolution",
            intent=TRANSACTION,
            local=self._local,
        )
