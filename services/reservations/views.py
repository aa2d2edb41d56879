"""Arguments and results of the reservations service as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.reservations.status import MovementKind, ReservationStatus


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


@dataclass(frozen=True)
class Cause:
    """Why the total of a stock changes, and who changes it: kept in the ledger of movements."""

    kind: MovementKind
    #: in words, one line of at most 200 characters
    reason: str = ""
    #: a caller of the API as in logs, or the user of a machine
    by: str = ""


@dataclass(frozen=True)
class MovementView:
    """A change of the total of a product's stock, in units."""

    id: UUID
    product_id: UUID
    change: int
    kind: MovementKind
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class StockAdjustment:
    """A relative change of a product's stock, with its id in the ledger, and the stock after it."""

    id: UUID
    change: int
    reason: str
    stock: StockView
    #: an earlier request with the same key had made it; the stock is the present one
    replayed: bool = False
