"""Moving the order's row, which is the arbiter of every race about its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from temporalio import activity

from activities.faults import Faults
from activities.messages import (
    BeginCancel,
    ConfirmOrder,
    FinishCancel,
    OrderStanding,
    RaiseAttention,
)

if TYPE_CHECKING:
    from services.orders.transitions import OrderTransitions
    from services.reservations.service import ReservationService


@dataclass(frozen=True)
class OrderActivities:
    """Steps over the orders service (and the reservation that is confirmed with the order)."""

    orders: OrderTransitions
    reservations: ReservationService
    faults: Faults

    @activity.defn(no_thread_cancel_exception=True)
    def confirm_order(self, message: ConfirmOrder) -> OrderStanding:
        """First the point of no return, then the goods: a pinned hold cannot be refused."""
        self.faults.reach("confirm", "first")
        standing = self.orders.confirmed(message.order_id)
        with self.faults.around("confirm"):
            self.reservations.confirm(message.order_id)
        return OrderStanding(standing.status)

    @activity.defn(no_thread_cancel_exception=True)
    def begin_cancel(self, message: BeginCancel) -> OrderStanding:
        """Close the order's door, unless it was confirmed before."""
        standing = self.orders.begin_cancel(message.order_id, message.run_id, message.reason)
        return OrderStanding(standing.status, standing.cancel_reason)

    @activity.defn(no_thread_cancel_exception=True)
    def finish_cancel(self, message: FinishCancel) -> OrderStanding:
        """Everything is undone: the order is cancelled."""
        with self.faults.around("finish_cancel"):
            standing = self.orders.cancelled(message.order_id)
        return OrderStanding(standing.status, standing.cancel_reason)

    @activity.defn(no_thread_cancel_exception=True)
    def raise_attention(self, message: RaiseAttention) -> None:
        """Ask for a person, or no longer."""
        self.orders.set_attention(message.order_id, message.reason)
