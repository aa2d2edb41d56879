"""POST /orders: the price of a product is that of the moment in which the order is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import httpx2
import pytest

from services.bootstrap import Services
from services.catalog.views import ProductChange
from services.money import Money
from services.orders import repository
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, a_product, items, order

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def orders_stored(services: Services) -> int:
    return int(services.database.fetch_value("SELECT count(*) FROM orders.orders"))


@asynccontextmanager
async def changed_meanwhile(services: Services, buyer: Person, change: Callable[[], object]) -> AsyncIterator[None]:
    """Run the block until an order waits for another one of the same buyer, make the change, and let it go on."""
    assert buyer.id

    async def change_once_it_waits() -> None:
        assert buyer.id
        with services.database.transaction() as tx:
            repository.lock_buyer(tx, buyer.id)
            held.set()
            while not services.database.fetch_value(WAITING):
                await asyncio.sleep(0.01)
            change()

    held = asyncio.Event()
    changing = asyncio.create_task(change_once_it_waits())
    await held.wait()
    yield
    await changing


async def test_T153_a_price_that_changes_while_the_order_is_placed(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    product_id = a_product(services, price="10.00")
    dearer = ProductChange(name="Brass lantern", price=Money.parse("12.50", "RUB"))

    async with changed_meanwhile(services, buyer, lambda: services.catalog.change(product_id, dearer)):
        answer = await order(api, buyer, product_id)

    assert answer.json()["totalAmount"] == "12.50"
    assert answer.json()["items"][0]["name"] == "Brass lantern"


async def test_T153_a_product_that_is_withdrawn_while_the_order_is_placed(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    product_id = a_product(services)
    withdrawn = ProductChange(is_active=False)

    async with changed_meanwhile(services, buyer, lambda: services.catalog.change(product_id, withdrawn)):
        answer = await order(api, buyer, product_id)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/product-unavailable")
    assert orders_stored(services) == 0


@pytest.mark.parametrize("expected", ["24.00", 24, 24.0, None])
async def test_T154_the_total_that_the_buyer_was_shown(
    api: httpx2.AsyncClient, buyer: Person, services: Services, expected: object
) -> None:
    answer = await place(api, buyer, two_products(services), expected)

    assert (answer.status_code, answer.json()["totalAmount"]) == (201, "24.00")


@pytest.mark.parametrize("expected", ["23.99", "24.01", 23.99, "1299.00", "9999999999.99"])
async def test_T154_another_total_than_the_buyer_was_shown(
    api: httpx2.AsyncClient, buyer: Person, services: Services, expected: object
) -> None:
    lantern, kettle = two_products(services)

    answer = await place(api, buyer, (lantern, kettle), expected)

    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (409, "/problems/price-changed")
    assert (problem["totalAmount"], problem["currency"]) == ("24.00", "RUB")
    assert problem["items"] == [
        {"productId": str(lantern), "name": "Lantern", "price": "10.50", "quantity": 2},
        {"productId": str(kettle), "name": "Kettle", "price": "3.00", "quantity": 1},
    ]
    assert orders_stored(services) == 0


@pytest.mark.parametrize("expected", ["0.00", "-1.00", "24.001", "1,00", "", True, "9999999999999.00"])
async def test_T154_an_expected_total_that_is_no_amount(
    api: httpx2.AsyncClient, buyer: Person, services: Services, expected: object
) -> None:
    answer = await place(api, buyer, two_products(services), expected)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation-error")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/expectedTotal"]


async def test_T154_a_repeated_key_outlives_a_change_of_the_price(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    product_id, key = a_product(services, price="10.00"), {"Idempotency-Key": "k-1"}
    first = await order(api, buyer, product_id, expectedTotal="10.00", headers=key)
    services.catalog.change(product_id, ProductChange(price=Money.parse("12.50", "RUB")))

    again = await order(api, buyer, product_id, expectedTotal="10.00", headers=key)

    assert again.json() == first.json()


def two_products(services: Services) -> tuple[UUID, UUID]:
    return a_product(services, price="10.50"), a_product(services, price="3.00", name="Kettle")


async def place(
    api: httpx2.AsyncClient, buyer: Person, products: tuple[UUID, UUID], expected: object
) -> httpx2.Response:
    lantern, kettle = products
    body = {**items((lantern, 2), (kettle, 1)), **ADDRESS, "expectedTotal": expected}
    return await api.post(ORDERS, json=body, headers=buyer.headers)
