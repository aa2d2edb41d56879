"""POST /orders that is sent again: the same key, another body, another buyer, a double click."""

from __future__ import annotations

import asyncio
from uuid import UUID

import httpx2
import pytest

from services.bootstrap import Services
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, a_product, order


def orders_stored(services: Services) -> int:
    with services.database.transaction() as tx:
        return int(tx.fetch_value("SELECT count(*) FROM orders.orders"))


def problem_of(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")


async def test_a_repeated_key_gives_the_same_order(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    product_id, key = a_product(services), {"Idempotency-Key": "k-1"}

    first = await order(api, buyer, product_id, headers=key)
    second = await order(api, buyer, product_id, headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert orders_stored(services) == 1


async def test_a_replay_shows_the_order_as_it_is_now(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    product_id, key = a_product(services), {"Idempotency-Key": "k-1"}
    first = await order(api, buyer, product_id, headers=key)
    services.orders.request_cancel(UUID(first.json()["orderId"]), buyer.id)

    assert (await order(api, buyer, product_id, headers=key)).json()["status"] == "cancelling"


async def test_a_replay_outlives_the_last_unit(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    product_id, key = a_product(services, stock=1), {"Idempotency-Key": "k-1"}
    first = await order(api, buyer, product_id, headers=key)
    services.reservations.set_stock(product_id, 0)

    again = await order(api, buyer, product_id, headers=key)
    fresh = await order(api, buyer, product_id, headers={"Idempotency-Key": "k-2"})

    assert again.json() == first.json()
    assert problem_of(fresh) == (409, "out-of-stock")


async def test_T54_the_same_key_for_another_body(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    product_id, key = a_product(services), {"Idempotency-Key": "k-1"}
    await order(api, buyer, product_id, headers=key)

    answer = await order(api, buyer, product_id, headers=key, city="Тула")

    assert problem_of(answer) == (422, "idempotency-key-reused")
    assert orders_stored(services) == 1


async def test_T54_the_same_key_of_another_buyer(
    api: httpx2.AsyncClient, buyer: Person, other: Person, services: Services
) -> None:
    product_id, key = a_product(services), {"Idempotency-Key": "k-1"}

    mine = await order(api, buyer, product_id, headers=key)
    theirs = await order(api, other, product_id, headers=key)

    assert mine.json()["orderId"] != theirs.json()["orderId"]
    assert orders_stored(services) == 2


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ключ"])
async def test_G15_malformed_keys(api: httpx2.AsyncClient, buyer: Person, services: Services, key: str) -> None:
    body = {"productId": str(a_product(services)), **ADDRESS}
    headers = [(name, value.encode()) for name, value in {**buyer.headers, "Idempotency-Key": key}.items()]
    answer = await api.post(ORDERS, json=body, headers=[(name.encode(), value) for name, value in headers])

    assert problem_of(answer) == (422, "validation-error")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/header/Idempotency-Key"]


async def test_T53_a_double_click_64_times(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    product_id, key = a_product(services), {"Idempotency-Key": "k-1"}

    answers = await asyncio.gather(*(order(api, buyer, product_id, headers=key) for _ in range(64)))

    assert orders_stored(services) == 1
    assert {answer.status_code for answer in answers} <= {201, 409, 503}
    assert len({answer.json()["orderId"] for answer in answers if answer.status_code == 201}) == 1
