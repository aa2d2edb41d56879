"""What the reservations service takes and gives: lines, reservations and stock as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.reservations.status import ReservationStatus


@dataclass(frozen=True, order=True)
class Item:
    """So many units of a product."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class ReservationView:
    """An order's reservation; an unpinned hold past `expires_at` shows as expired before the sweep has ended it."""

    id: UUID
    order_id: UUID
    status: ReservationStatus
    #: in the order of product ids; empty for a tombstone
    items: tuple[Item, ...]
    created_at: datetime
    expires_at: datetime | None
    pinned: bool
    #: made by this very call
    is_new: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class StockView:
    """Units of one product: `total = available + reserved + sold`."""

    product_id: UUID
    total: int
    available: int
    reserved: int
    sold: int
