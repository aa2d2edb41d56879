"""Operators find an order by what a buyer or the payment provider tells them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.bootstrap import Services
from services.order_number import order_number
from tests.api.people import Person, a_buyer
from tests.api.shop import ORDERS, a_product, order, pay, placed, reserve


async def found(api: httpx2.AsyncClient, operator: Person, **query: Any) -> list[str]:
    answer = await api.get(ORDERS, params=query, headers=operator.headers)
    assert answer.status_code == 200
    return [each["id"] for each in answer.json()["items"]]


async def test_T196_every_answer_that_shows_an_order_has_its_number(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    placed_order = (await order(api, buyer, a_product(services))).json()
    number = order_number(placed_order["orderId"])

    mine = (await api.get(f"{ORDERS}/me", headers=buyer.headers)).json()["items"]
    every = (await api.get(ORDERS, headers=operator.headers)).json()["items"]
    one = (await api.get(f"{ORDERS}/{placed_order['orderId']}", headers=buyer.headers)).json()

    assert [each["number"] for each in (placed_order, *mine, *every, one)] == [number] * 4


@pytest.mark.parametrize("typed", ["{}", " {} ", "№ {}", "#{}"])
@pytest.mark.parametrize(
    "change", [str, str.lower, lambda number: number.replace("-", ""), lambda number: number.replace("-", " – ")]
)
async def test_T196_an_order_is_found_by_its_number_as_typed(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, typed: str, change: Any
) -> None:
    wanted, _ = [str(await placed(api, buyer, services)) for _ in range(2)]

    assert await found(api, operator, number=typed.format(change(order_number(wanted)))) == [wanted]
    assert await found(api, operator, number=order_number(wanted), status="cancelled") == []
    assert await found(api, operator, number="0000-0000") == []


@pytest.mark.parametrize("typed", ["", "D85C", "D85C-76C", "D85C-76C22", "ZZZZ-ZZZZ", "%", "D" * 5000])
async def test_T196_what_is_no_number(api: httpx2.AsyncClient, operator: Person, typed: str) -> None:
    answer = await api.get(ORDERS, params={"number": typed}, headers=operator.headers)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/number")


async def test_T196_an_order_is_found_by_its_payment(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    wanted, other = [await placed(api, buyer, services, card="tok_succeeds") for _ in range(2)]
    for order_id in (wanted, other):
        reserve(services, order_id)
    payment, _ = pay(services, wanted), pay(services, other)

    assert await found(api, operator, paymentId=str(payment.id)) == [str(wanted)]
    assert await found(api, operator, paymentId=payment.provider_id) == [str(wanted)]
    assert await found(api, operator, paymentId=str(uuid4())) == []
    assert await found(api, operator, paymentId=str(payment.id), buyerId=str(uuid4())) == []
    bad = await api.get(ORDERS, params={"paymentId": "a b"}, headers=operator.headers)
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "/query/paymentId")


async def test_T196_an_operator_sees_whom_the_order_belongs_to(
    api: httpx2.AsyncClient, operator: Person, services: Services
) -> None:
    buyer = a_buyer(services)
    plain = await placed(api, buyer, services)
    by_phone = await placed(api, buyer, services, phone="+79000000001")

    seen = [(await api.get(f"{ORDERS}/{each}", headers=operator.headers)).json() for each in (plain, by_phone)]

    assert [each["buyerId"] for each in seen] == [str(buyer.id)] * 2
    assert seen[0]["contact"].count("***") == 2
    assert seen[1]["contact"] == "+7***01"
    own = (await api.get(f"{ORDERS}/{by_phone}", headers=buyer.headers)).json()
    assert not {"buyerId", "contact"} & own.keys()


async def test_T196_the_search_by_number_uses_an_index(services: Services) -> None:
    with services.database.transaction() as tx:
        tx.execute("SET LOCAL enable_seqscan = off")
        plan = tx.fetch_column(
            "EXPLAIN SELECT id FROM orders.orders WHERE right(CAST(id AS text), 8) = '9f3a21c4' ORDER BY id DESC"
        )
    assert "ix_orders_number" in " ".join(plan)
