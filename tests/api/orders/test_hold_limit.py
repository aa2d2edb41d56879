"""`hold-limit` over HTTP: one account cannot take a whole stock without paying."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx2

from services.bootstrap import Services
from tests.api.identity.answers import problem_of
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, a_product, items, placed, reserve


async def order(api: httpx2.AsyncClient, buyer: Person, product_id: UUID, quantity: int) -> httpx2.Response:
    body: dict[str, Any] = {**items((product_id, quantity)), **ADDRESS}
    return await api.post(ORDERS, json=body, headers=buyer.headers)


async def test_T135_five_orders_do_not_take_the_whole_stock(
    api: httpx2.AsyncClient, services: Services, buyer: Person
) -> None:
    product_id = a_product(services, stock=1000)
    answers = [await order(api, buyer, product_id, 200) for _ in range(5)]
    assert answers[0].status_code == 201
    assert {problem_of(answer) for answer in answers[1:]} == {(409, "hold-limit")}
    assert answers[1].json()["products"] == [{"productId": str(product_id), "wanted": 200, "available": 50}]
    # What is held by the account itself is part of the stock that the share is of.
    reserve(services, UUID(answers[0].json()["orderId"]))
    assert (await order(api, buyer, product_id, 50)).status_code == 201


async def test_T135_a_shortage_is_answered_first(api: httpx2.AsyncClient, services: Services, buyer: Person) -> None:
    product_id = a_product(services, stock=150)
    assert problem_of(await order(api, buyer, product_id, 151)) == (409, "out-of-stock")
    assert problem_of(await order(api, buyer, product_id, 101)) == (409, "hold-limit")


async def test_T135_a_refused_order_stores_nothing(api: httpx2.AsyncClient, services: Services, buyer: Person) -> None:
    await placed(api, buyer, services)
    product_id = a_product(services, stock=1000)
    body = {**items((product_id, 900)), **ADDRESS}
    for _ in range(2):
        answer = await api.post(ORDERS, json=body, headers={**buyer.headers, "Idempotency-Key": "too-much"})
        assert problem_of(answer) == (409, "hold-limit")
    listed = (await api.get(f"{ORDERS}/me", headers=buyer.headers)).json()["items"]
    assert len(listed) == 1
