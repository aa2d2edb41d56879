"""The stock of a product is set and adjusted over HTTP, and never by a number that is out of date."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from services.reservations.views import Item
from tests.api.people import Person
from tests.api.shop import a_product

WHERE = "/api/v1/products"
DELIVERY = {"change": 40, "reason": "delivery 4711"}


def slug(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def put(api: httpx2.AsyncClient, who: Person, product: UUID, units: int, **headers: str) -> httpx2.Response:
    path = f"{WHERE}/{product}/stock"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.put(path, json={"available": units}, headers=who.headers | named)


async def adjust(
    api: httpx2.AsyncClient, who: Person, product: UUID, body: dict[str, object], **headers: str
) -> httpx2.Response:
    path = f"{WHERE}/{product}/stock/adjustments"
    return await api.post(path, json=body, headers=who.headers | headers)


async def test_setting_the_stock_keeps_reserved_units(
    api: httpx2.AsyncClient, operator: Person, services: Services
) -> None:
    product = a_product(services, stock=5)
    services.reservations.hold(uuid4(), [Item(product, 2)], 60)
    answer = await put(api, operator, product, 120)
    assert (answer.status_code, answer.json()) == (200, {"productId": str(product), "available": 120})
    assert (await api.get(f"{WHERE}/{product}/stock")).json()["available"] == 120
    assert services.reservations.stocks([product])[product].total == 122
    assert slug(await put(api, operator, new_id(), 1)) == (404, "not-found")


async def test_T188_a_stock_is_set_only_if_it_is_what_was_read(
    api: httpx2.AsyncClient, operator: Person, services: Services
) -> None:
    product = a_product(services, stock=5)
    read = await api.get(f"{WHERE}/{product}/stock")
    services.reservations.hold(uuid4(), [Item(product, 1)], 60)

    stale = await put(api, operator, product, 105, If_Match=read.headers["etag"])
    assert slug(stale) == (412, "invalid-transition")
    assert (await api.get(f"{WHERE}/{product}/stock")).json()["available"] == 4

    fresh = (await api.get(f"{WHERE}/{product}/stock", headers=operator.headers)).headers["etag"]
    written = await put(api, operator, product, 104, If_Match=f'"other", {fresh}')
    assert (written.status_code, written.json()["available"]) == (200, 104)
    again = await put(api, operator, product, 103, If_Match=written.headers["etag"])
    assert (again.status_code, again.json()["available"]) == (200, 103)
    assert (await put(api, operator, product, 102, If_Match="*")).status_code == 200


@pytest.mark.parametrize("given", ['"other"', "W/{tag}", "", "5"])
async def test_T188_another_or_a_weak_tag_never_matches(
    api: httpx2.AsyncClient, operator: Person, services: Services, given: str
) -> None:
    product = a_product(services, stock=5)
    tag = (await api.get(f"{WHERE}/{product}/stock")).headers["etag"]
    assert slug(await put(api, operator, product, 9, If_Match=given.format(tag=tag))) == (412, "invalid-transition")
    assert services.reservations.stocks([product])[product].available == 5


async def test_T187_a_change_is_added_once_and_its_cause_is_kept(
    api: httpx2.AsyncClient, operator: Person, services: Services
) -> None:
    product = a_product(services, stock=5)
    key = {"Idempotency-Key": "delivery-4711"}
    first, again = [await adjust(api, operator, product, DELIVERY, **key) for _ in range(2)]

    assert first.status_code == 201
    assert first.json() == {
        "adjustmentId": first.json()["adjustmentId"],
        "productId": str(product),
        "available": 45,
        **DELIVERY,
    }
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, first.json(), "true")
    last = services.reservations.movements(product)[-1]
    assert (str(last.id), last.change, last.kind) == (first.json()["adjustmentId"], 40, "adjustment")
    assert (last.reason, last.by) == ("delivery 4711", "operator:anna")
    assert slug(await adjust(api, operator, product, DELIVERY | {"change": 1}, **key)) == (
        422,
        "idempotency-key-reused",
    )


async def test_T187_held_units_cannot_be_taken(api: httpx2.AsyncClient, operator: Person, services: Services) -> None:
    product = a_product(services, stock=5)
    services.reservations.hold(uuid4(), [Item(product, 3)], 60)
    short = await adjust(api, operator, product, {"change": -3, "reason": "lost"})
    assert slug(short) == (409, "out-of-stock")
    assert short.json()["products"] == [{"productId": str(product), "wanted": 3, "available": 2}]
    assert (await adjust(api, operator, product, {"change": -2, "reason": "lost"})).json()["available"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"change": 0, "reason": "x"},
        {"change": 1.0, "reason": "x"},
        {"change": 10**10, "reason": "x"},
        {"change": 1},
        {"change": 1, "reason": " "},
        {"change": 1, "reason": "x" * 201},
    ],
)
async def test_T187_a_change_has_a_number_and_a_reason(
    api: httpx2.AsyncClient, operator: Person, services: Services, body: dict[str, object]
) -> None:
    product = a_product(services, stock=5)
    assert slug(await adjust(api, operator, product, body)) == (422, "validation-error")
    assert services.reservations.stocks([product])[product].available == 5


async def test_T187_only_operators_adjust_stock(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    product = a_product(services)
    assert slug(await adjust(api, buyer, product, DELIVERY)) == (403, "forbidden")
    assert slug(await adjust(api, operator, new_id(), DELIVERY)) == (404, "not-found")
