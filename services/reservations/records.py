"""Rows of reservations and stock as the repository reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from services.reservations.status import ReservationStatus
from services.reservations.views import Item, ReservationView


class ItemJson(TypedDict):
    """A reservation line in a row's JSON column."""

    product_id: str
    quantity: int


class ShortageJson(TypedDict):
    """A product with too little stock in a row's JSON column."""

    product_id: str
    wanted: int
    available: int


@dataclass(frozen=True)
class ReservationRow:
    """One row of the reservation columns."""

    id: UUID
    order_id: UUID
    status: str
    created_at: datetime
    expires_at: datetime | None
    pinned: bool
    items: Sequence[ItemJson]

    def view(self) -> ReservationView:
        """The row as a view, its items in the order of product ids."""
        items = tuple(sorted(Item(UUID(item["product_id"]), item["quantity"]) for item in self.items))
        status = ReservationStatus(self.status)
        return ReservationView(self.id, self.order_id, status, items, self.created_at, self.expires_at, self.pinned)


@dataclass(frozen=True)
class HoldRow:
    """The row that a new hold returns."""

    created_at: datetime
    expires_at: datetime
    #: None when every line is held
    shortages: Sequence[ShortageJson] | None
