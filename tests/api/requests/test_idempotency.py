"""Idempotency-Key on the steps of an order (G15): one body for each key, caller, method and path."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from api.access.operations import OPERATIONS, KeyUse
from services.bootstrap import Services
from services.identity.views import CallerKind, Scope
from tests.api.every_operation import example, request_line
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


async def test_T150_two_services_may_use_the_same_key(api: httpx2.AsyncClient, services: Services) -> None:
    body = {"channel": "email", "to": "anna@example.com", "template": "verify_email", "variables": {"code": "424242"}}
    sent = []
    for name in ("billing", "shipping", "billing"):
        token = services.minted_tokens.mint(CallerKind.SERVICE, [Scope.NOTIFICATIONS_WRITE], name=name)
        headers = {"Authorization": f"Bearer {token}", **KEY}
        sent.append((await api.post("/api/v1/notifications/send", json=body, headers=headers)).json())
    assert sent[0] == sent[2] != sent[1]


STORED = [operation for operation, row in OPERATIONS.items() if row.key is KeyUse.STORED]


def rows(services: Services) -> list[Any]:
    return services.database.fetch_all("SELECT caller, operation, status FROM idempotency.keys")


@pytest.mark.parametrize("operation", [each for each in STORED if "not-found" in OPERATIONS[each].problems])
async def test_T152_a_request_for_an_object_that_does_not_exist_stores_no_key(
    api: httpx2.AsyncClient, services: Services, buyer: Person, operator: Person, operation: str
) -> None:
    caller = buyer if CallerKind.BUYER in OPERATIONS[operation].access.kinds else operator
    method, path = request_line(operation)
    headers = caller.headers | KEY | {"Prefer": "wait=0"}
    for body in (example(operation), {}):
        answer = await api.request(method, path, json=body, headers=headers)
        assert answer.status_code in (404, 422)
    assert rows(services) == []


@pytest.mark.parametrize("step", ["reserve", "pay", "confirm", "cancel"])
async def test_T152_a_step_of_another_buyers_order_stores_no_key(
    api: httpx2.AsyncClient, services: Services, buyer: Person, other: Person, step: str
) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    headers = other.headers | KEY | {"Prefer": "wait=0"}
    assert (await api.post(f"{ORDERS}/{order_id}/{step}", headers=headers)).status_code == 404
    assert rows(services) == []


async def test_T152_a_refused_step_stores_no_key(api: httpx2.AsyncClient, services: Services, buyer: Person) -> None:
    order_id = await placed(api, buyer, services)
    headers = buyer.headers | {"Prefer": "wait=0"}
    for _ in range(3):
        refused = await api.post(f"{ORDERS}/{order_id}/confirm", headers=headers | {"Idempotency-Key": str(uuid4())})
        assert slug(refused) == (409, "invalid-transition")
    assert rows(services) == []


async def test_T152_an_id_in_capitals_is_the_same_operation(
    api: httpx2.AsyncClient, services: Services, buyer: Person
) -> None:
    order_id = str(await placed(api, buyer, services))
    headers = buyer.headers | KEY | {"Prefer": "wait=0"}
    first, again = [
        await api.post(f"{ORDERS}/{spelled}/reserve", headers=headers) for spelled in (order_id, order_id.upper())
    ]
    assert (first.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert [row.operation for row in rows(services)] == [f"POST /orders/{order_id}/reserve"]
