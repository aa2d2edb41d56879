"""Pages: `limit` items and the cursor of the next page."""

from __future__ import annotations

from uuid import UUID

from api.orders.schemas import OperatorOrderSummary, OrderEvent, OrderSummary
from api.requests.cursors import Cursors
from api.requests.pagination import Page, PageRequest

CURSORS = Cursors("a key")
IDS = [UUID(int=number) for number in range(1, 5)]


def asked(cursor: str | None = None, caller: str = "buyer:anna") -> PageRequest:
    return PageRequest(2, cursor, CURSORS, "GET /orders", caller)


def page(request: PageRequest, found: list[UUID]) -> Page[str]:
    return request.page(request.listing({}), found, lambda each: each, str)


def test_a_page_with_a_next_one() -> None:
    first = page(asked(), IDS[:3])

    assert first.items == [str(IDS[0]), str(IDS[1])]
    following = asked(first.next_cursor)
    assert following.after(following.listing({})) == IDS[1]


def test_the_last_page_has_no_cursor() -> None:
    assert page(asked(), IDS[:2]).next_cursor is None
    assert page(asked(), []).items == []
    assert asked().after(asked().listing({})) is None


def test_cursors_of_a_public_list_fit_every_caller() -> None:
    anna, boris = asked(caller="buyer:anna"), asked(caller="buyer:boris")
    assert anna.listing({}, public=True) == boris.listing({}, public=True)
    assert anna.listing({}) != boris.listing({})


def test_names_of_pages() -> None:
    names = [Page[item].__name__ for item in (OrderSummary, OperatorOrderSummary, OrderEvent)]  # type: ignore[valid-type]  # a variable
    assert names == ["OrderPage", "OperatorOrderPage", "OrderEventPage"]
