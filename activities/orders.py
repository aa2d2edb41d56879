"""Steps that change the order's row, which decides every race about its end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from temporalio import activity

from activities.messages import BeginCancel, ClearAttention, ConfirmOrder, FinishCancel, OrderState, RaiseAttention

if TYPE_CHECKING:
    from uuid import UUID

    from services.db import Database, Executor
    from services.orders.transitions import OrderTransitions
    from services.reservations.service import ReservationService


@dataclass(frozen=True)
class OrderActivities:
    """Steps over the orders service, and over the reservation that is confirmed with the order."""

    database: Database
    orders: OrderTransitions
    reservations: ReservationService

    @activity.defn(no_thread_cancel_exception=True)
    def confirm_order(self, message: ConfirmOrder) -> OrderState:
        """Confirm the order and its reservation in one commit: the hold of a paid order cannot expire."""
        return self.database.run_in_transaction(partial(self._confirm, message.order_id))

    @activity.defn(no_thread_cancel_exception=True)
    def begin_cancel(self, message: BeginCancel) -> OrderState:
        """Move the order to `cancelling`, unless it is confirmed."""
        state = self.orders.begin_cancel(message.order_id, message.run_id, message.reason)
        return OrderState(state.status, state.cancel_reason)

    @activity.defn(no_thread_cancel_exception=True)
    def finish_cancel(self, message: FinishCancel) -> OrderState:
        """Move the order to `cancelled`, after everything was undone."""
        state = self.orders.cancelled(message.order_id)
        return OrderState(state.status, state.cancel_reason)

    @activity.defn(no_thread_cancel_exception=True)
    def raise_attention(self, message: RaiseAttention) -> None:
        """Mark the order as needing a person, with a reason."""
        self.orders.raise_attention(message.order_id, message.reason)

    @activity.defn(no_thread_cancel_exception=True)
    def clear_attention(self, message: ClearAttention) -> None:
        """Remove the reason."""
        self.orders.clear_attention(message.order_id, message.reason)

    def _confirm(self, order_id: UUID, tx: Executor) -> OrderState:
        state = self.orders.confirmed(order_id, tx)
        # Last, because it locks the stock of products that other orders wait for.
        self.reservations.confirm(order_id, tx)
        return OrderState(state.status)
