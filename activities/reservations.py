"""Steps that hold an order's goods and release them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from temporalio import activity

from activities.messages import ReleaseStock, ReservedOrder, ReserveStock
from services.orders.status import OrderEventType
from services.orders.views import WorkflowRun
from services.reservations.views import Item

if TYPE_CHECKING:
    from services.db import Database, Executor
    from services.orders.transitions import OrderTransitions
    from services.reservations.service import ReservationService

#: Holds that one transaction of a sweep ends.
SWEEP_BATCH = 500
#: Seconds after which a sweep begins no further batch; the next one comes in a minute.
SWEEP_SECONDS = 20.0


@dataclass(frozen=True)
class ReservationActivities:
    """Steps over the reservations service."""

    database: Database
    orders: OrderTransitions
    reservations: ReservationService

    @activity.defn(no_thread_cancel_exception=True)
    def reserve_stock(self, message: ReserveStock) -> ReservedOrder:
        """Claim the order for this run, and hold all of its goods or none. Business key: the order's id."""
        return self.database.run_in_transaction(partial(self._reserve, message))

    @activity.defn(no_thread_cancel_exception=True)
    def release_stock(self, message: ReleaseStock) -> None:
        """Release the goods; when nothing was held, leave a tombstone that refuses a late hold."""
        self.orders.require_closing(message.order_id)
        released = self.reservations.release(message.order_id)
        if released.items:
            self.orders.note(message.order_id, OrderEventType.RELEASED, "released")

    @activity.defn(no_thread_cancel_exception=True)
    def sweep_reservations(self) -> int:
        """End the holds whose time is over, batch by batch, so that a backlog ends within minutes; returns how many."""
        deadline, holds = time.monotonic() + SWEEP_SECONDS, 0
        while True:
            ended = self.reservations.sweep(SWEEP_BATCH)
            holds += ended
            if ended < SWEEP_BATCH or time.monotonic() >= deadline:
                return holds

    def _reserve(self, message: ReserveStock, tx: Executor) -> ReservedOrder:
        claimed = self.orders.claim(message.order_id, WorkflowRun(message.run_id, message.run_started), tx)
        state = self.orders.reserved(message.order_id, tx)
        items = [Item(product_id, quantity) for product_id, quantity in claimed.items]
        # Last, because it locks the stock of products that other orders wait for.
        self.reservations.hold(message.order_id, items, message.hold_seconds, tx=tx)
        window_left = max(message.payment_window - claimed.age, 0) if message.payment_window else None
        return ReservedOrder(state.status, claimed.has_method, window_left, claimed.failed_attempts)
