"""Addresses as people paste them from maps, spreadsheets and phones."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from services.bootstrap import Services
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, a_product, order, placed


@pytest.mark.parametrize(
    ("field", "sent", "stored"),
    [
        ("street", "Твер\u00adская, 1", "Тверская, 1"),
        ("street", "\ufeff221B Baker Street\u200b", "221B Baker Street"),
        ("street", "Тверская, 1\nкв. 5", "Тверская, 1, кв. 5"),
        ("street", "Тверская\t1", "Тверская 1"),
        ("street", "Rainbow Road 7 \U0001faff", "Rainbow Road 7 \U0001faff"),
        ("city", "\u200fתל אביב\u200e", "תל אביב"),
        ("region", "", ""),
        ("region", "\u200b", ""),
        ("country", "XK", "XK"),
        ("postalCode", "SW1A\u00a02AA\u200b", "SW1A\u00a02AA"),
        ("postalCode", "", None),
        ("postalCode", None, None),
    ],
)
async def test_T193_an_address_is_stored_as_it_is_seen(
    api: httpx2.AsyncClient, buyer: Person, services: Services, field: str, sent: Any, stored: str | None
) -> None:
    order_id = await placed(api, buyer, services, **{field: sent})

    body = (await api.get(f"{ORDERS}/{order_id}", headers=buyer.headers)).json()

    assert {name: body[name] for name in (*ADDRESS, "postalCode")} == {**ADDRESS, "postalCode": None, field: stored}


@pytest.mark.parametrize(
    ("field", "sent", "message"),
    [
        ("street", "a\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE is not allowed."),
        ("city", "a\x1b[31m", "U+001B CONTROL CHARACTER is not allowed."),
        ("region", "\ue000", "U+E000 PRIVATE USE CHARACTER is not allowed."),
        ("postalCode", "\x07", "U+0007 CONTROL CHARACTER is not allowed."),
        ("street", "\u200b\ufe0f", "This cannot be blank."),
    ],
)
async def test_T192_what_cannot_be_taken_is_named(
    api: httpx2.AsyncClient, buyer: Person, services: Services, field: str, sent: Any, message: str
) -> None:
    answer = await order(api, buyer, a_product(services), **{field: sent})

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["message"]) == (f"/{field}", message)


@pytest.mark.parametrize(
    ("field", "sent"), [("postalCode", "1" * 21), ("postalCode", 101000), ("region", None), ("street", "a\n" * 100)]
)
async def test_T193_what_is_no_address(
    api: httpx2.AsyncClient, buyer: Person, services: Services, field: str, sent: Any
) -> None:
    answer = await order(api, buyer, a_product(services), **{field: sent})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{field}")
