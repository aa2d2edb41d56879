"""Steps that change the order's row, which decides every race about its end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from temporalio import activity

from activities.messages import BeginCancel, ClearAttention, ConfirmOrder, FinishCancel, OrderState, RaiseAttention
from services.errors import OrderClosing
from services.orders import views
from services.orders.status import CancelReason, OrderStatus, UndoStep
from services.orders.views import WorkflowRun

if TYPE_CHECKING:
    from services.db import Database, Executor
    from services.orders.transitions import OrderTransitions
    from services.payments.paid_orders import PaidOrders
    from services.payments.service import PaymentService
    from services.reservations.service import ReservationService


class OrderEnds(Protocol):
    """Counts how orders end."""

    def count(self, outcome: str, seconds: float) -> None:
        """Count an order: `confirmed`, or the reason of its cancellation; `seconds` since it was placed."""


@dataclass(frozen=True)
class OrderActivities:
    """Steps over the orders service, and over the money and the goods that the end of an order depends on."""

    database: Database
    orders: OrderTransitions
    reservations: ReservationService
    payments: PaymentService
    paid: PaidOrders
    ends: OrderEnds

    @activity.defn(no_thread_cancel_exception=True)
    def confirm_order(self, message: ConfirmOrder) -> OrderState:
        """Confirm the order and its reservation in one commit: the hold of a paid order cannot expire.

        An order whose money was sent back is cancelled: the database may be older than that (F80).
        """
        if self.paid.is_returned(message.order_id):
            self._refuse_returned(message)
        state = self.database.run_in_transaction(partial(self._confirm, message))
        self._count(state)
        return OrderState(state.status)

    @activity.defn(no_thread_cancel_exception=True)
    def begin_cancel(self, message: BeginCancel) -> OrderState:
        """Move the order to `cancelling`, unless it is confirmed."""
        state = self.orders.begin_cancel(
            message.order_id, WorkflowRun(message.run_id, message.run_started), message.reason
        )
        return OrderState(state.status, state.cancel_reason)

    @activity.defn(no_thread_cancel_exception=True)
    def finish_cancel(self, message: FinishCancel) -> OrderState:
        """Move the order to `cancelled` when the tables show that everything is undone.

        Otherwise the order stays `cancelling`: an undo was completed by hand without having been done.
        """
        state = self.database.run_in_transaction(partial(self._finish_cancel, message))
        self._count(state)
        return OrderState(state.status, state.cancel_reason)

    @activity.defn(no_thread_cancel_exception=True)
    def raise_attention(self, message: RaiseAttention) -> None:
        """Mark the order as needing a person, with a reason, and the last failure of a refund."""
        detail = self.payments.refund_failure(message.order_id) if UndoStep.is_refund(message.reason) else None
        self.orders.raise_attention(message.order_id, message.reason, detail)

    @activity.defn(no_thread_cancel_exception=True)
    def clear_attention(self, message: ClearAttention) -> None:
        """Remove the reason."""
        self.orders.clear_attention(message.order_id, message.reason)

    def _refuse_returned(self, message: ConfirmOrder) -> None:
        """Raises OrderClosing, unless the order was confirmed before its money was sent back."""
        run = WorkflowRun(message.run_id, 0.0)  # it holds the order, or is refused
        state = self.orders.begin_cancel(message.order_id, run, CancelReason.OPERATOR_REQUEST)
        if state.status is not OrderStatus.CONFIRMED:
            activity.logger.warning("order.money_returned", extra={"order_id": str(message.order_id)})
            raise OrderClosing("The money of this order was sent back.")

    def _confirm(self, message: ConfirmOrder, tx: Executor) -> views.OrderState:
        state = self.orders.confirmed(message.order_id, message.run_id or None, tx)
        # Last, because it locks the stock of products that other orders wait for.
        self.reservations.confirm(message.order_id, tx)
        return state

    def _finish_cancel(self, message: FinishCancel, tx: Executor) -> views.OrderState:
        by_hand = self.orders.settled_by_hand(message.order_id, tx)
        money_left = UndoStep.REFUND_PAYMENT not in by_hand and not self.payments.settled(message.order_id, tx)
        goods_held = UndoStep.RELEASE_STOCK not in by_hand and self.reservations.holds_goods(message.order_id, tx)
        if money_left or goods_held:
            left = {"order_id": str(message.order_id), "money_left": money_left, "goods_held": goods_held}
            activity.logger.error("order.not_undone", extra=left)
            return views.OrderState(OrderStatus.CANCELLING)
        state = self.orders.cancelled(message.order_id, message.run_id or None, tx)
        self.orders.clear_disproved(message.order_id, tx)
        return state

    def _count(self, state: views.OrderState) -> None:
        # After the commit, and not for a repetition: each order is counted once.
        if state.age is not None:
            self.ends.count(state.cancel_reason or state.status, state.age)
