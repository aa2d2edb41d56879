"""Arguments and results of the reservations service as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.reservations.status import ReservationStatus


@dataclass(frozen=True, order=True)
class Item:
    """A quantity of one product, in units."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class ReservationView:
    """An order's reservation. An unpinned hold past `expires_at` has status `expired` even before the sweep ends it."""

    id: UUID
    order_id: UUID
    status: ReservationStatus
    #: in the order of product ids; empty for a tombstone
    items: tuple[Item, ...]
    created_at: datetime
    expires_at: datetime | None
    #: a payment has started: the hold does not expire by itself
    pinned: bool
    #: True when this call made the reservation
    is_new: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class StockView:
    """Units of one product: `total = available + reserved + sold`."""

    product_id: UUID
    total: int
    available: int
    reserved: int
    sold: int
