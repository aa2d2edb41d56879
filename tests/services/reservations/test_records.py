"""A row of a reservation as a view."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from services.reservations.records import ReservationRow
from services.reservations.status import ReservationStatus
from services.reservations.views import Item

FIRST, SECOND = UUID(int=1), UUID(int=2)


def test_items_are_in_the_order_of_product_ids() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    row = ReservationRow(
        id=UUID(int=8),
        order_id=UUID(int=9),
        status="reserved",
        created_at=at,
        expires_at=None,
        pinned=True,
        items=[{"product_id": str(SECOND), "quantity": 1}, {"product_id": str(FIRST), "quantity": 7}],
    )

    view = row.view()

    assert view.items == (Item(FIRST, 7), Item(SECOND, 1))
    assert (view.id, view.order_id, view.status) == (UUID(int=8), UUID(int=9), ReservationStatus.RESERVED)
    assert (view.created_at, view.expires_at, view.pinned, view.is_new) == (at, None, True, False)
