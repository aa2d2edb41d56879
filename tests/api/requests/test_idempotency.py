"""Idempotency-Key on the steps of an order (G15): one body for each key, caller, method and path."""

from __future__ import annotations

import httpx2
import pytest

from services.bootstrap import Services
from tests.api.people import Person
from tests.api.shop import ORDERS, placed

KEY = {"Idempotency-Key": "the-key"}


def slug(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_G15_a_repeated_cancel_answers_the_same_status(
    api: httpx2.AsyncClient, services: Services, buyer: Person
) -> None:
    order_id = await placed(api, buyer, services)
    where, headers = f"{ORDERS}/{order_id}/cancel", buyer.headers | KEY
    first, again = [await api.post(where, json={"reason": "late"}, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    other = await api.post(where, json={"reason": "something else"}, headers=headers)
    assert slug(other) == (422, "idempotency-key-reused")


async def test_G15_a_repeated_payment_method_is_stored_once(
    api: httpx2.AsyncClient, services: Services, buyer: Person
) -> None:
    order_id = await placed(api, buyer, services)
    where, headers = f"{ORDERS}/{order_id}/pay", buyer.headers | KEY | {"Prefer": "wait=0"}
    first, again = [await api.post(where, json={"card": "tok_succeeds"}, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await api.post(where, json={"card": "tok_other"}, headers=headers)
    assert slug(other) == (422, "idempotency-key-reused")
    unkeyed = await api.post(where, json={"card": "tok_succeeds"}, headers=buyer.headers | {"Prefer": "wait=0"})
    assert slug(unkeyed) == (409, "payment-exists")


@pytest.mark.parametrize("step", ["reserve", "cancel"])
async def test_G15_a_key_belongs_to_one_order_one_step_and_one_caller(
    api: httpx2.AsyncClient, services: Services, buyer: Person, other: Person, step: str
) -> None:
    headers = {"Prefer": "wait=0", **KEY}
    orders = [(who, await placed(api, who, services)) for who in (buyer, buyer, other)]
    for who, order_id in orders:
        answer = await api.post(f"{ORDERS}/{order_id}/{step}", headers=who.headers | headers)
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (202, False)


async def test_G15_a_refused_step_can_be_repeated_with_its_key(
    api: httpx2.AsyncClient, services: Services, buyer: Person
) -> None:
    order_id = await placed(api, buyer, services)
    where, headers = f"{ORDERS}/{order_id}/confirm", buyer.headers | KEY | {"Prefer": "wait=0"}
    for _ in range(2):
        assert slug(await api.post(where, headers=headers)) == (409, "invalid-transition")


async def test_T61_the_order_of_another_buyer_answers_404_with_a_key(
    api: httpx2.AsyncClient, services: Services, buyer: Person, other: Person
) -> None:
    order_id = await placed(api, buyer, services)
    for step in ("reserve", "pay", "confirm", "cancel"):
        answer = await api.post(f"{ORDERS}/{order_id}/{step}", headers=other.headers | KEY | {"Prefer": "wait=0"})
        assert slug(answer) == (404, "not-found")
