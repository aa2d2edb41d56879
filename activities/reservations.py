"""Holding an order's goods, and giving them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from temporalio import activity

from activities.faults import Faults
from activities.messages import OrderStanding, ReleaseStock, ReserveStock, Swept

if TYPE_CHECKING:
    from services.orders.transitions import OrderTransitions
    from services.reservations.service import ReservationService
    from services.reservations.views import Item


@dataclass(frozen=True)
class ReservationActivities:
    """Steps over the reservations service."""

    orders: OrderTransitions
    reservations: ReservationService
    #: builds an `Item`; given, so that this room loads no database code
    item_of: type[Item]
    faults: Faults

    @activity.defn(no_thread_cancel_exception=True)
    def reserve_stock(self, message: ReserveStock) -> OrderStanding:
        """Take the order for this run, and hold all of its goods or none. Key: the order's id."""
        claimed = self.orders.claim(message.order_id, message.run_id)
        items = [self.item_of(product_id, quantity) for product_id, quantity in claimed.items]
        with self.faults.around("reserve"):
            self.reservations.hold(message.order_id, items, message.hold_seconds)
        standing = self.orders.reserved(message.order_id)
        return OrderStanding(standing.status)

    @activity.defn(no_thread_cancel_exception=True)
    def release_stock(self, message: ReleaseStock) -> None:
        """Give the goods back; where nothing was held, leave a tombstone against a late hold."""
        with self.faults.around("release"):
            released = self.reservations.release(message.order_id)
        if released.items:
            self.orders.note(message.order_id, "released", "released")

    @activity.defn(no_thread_cancel_exception=True)
    def sweep_reservations(self) -> Swept:
        """End the holds whose time is over."""
        return Swept(holds=self.reservations.sweep())
