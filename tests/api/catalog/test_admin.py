"""Changes of the catalog by operators, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from tests.api.people import Person
from tests.api.shop import a_product

WHERE = "/api/v1/products"
LAMP: dict[str, Any] = {
    "sku": "L-1",
    "name": "Лампа 100%",
    "price": "1299.00",
    "currency": "RUB",
    "attributes": {"watts": 4.5, "colours": ["red"]},
    "stock": 12,
}


def slug(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def create(api: httpx2.AsyncClient, who: Person, body: dict[str, Any], **headers: str) -> httpx2.Response:
    return await api.post(WHERE, json=body, headers=who.headers | headers)


async def test_a_product_is_created_with_its_stock(api: httpx2.AsyncClient, operator: Person) -> None:
    made = await create(api, operator, LAMP)
    assert made.status_code == 201
    seen = await api.get(made.headers["location"])
    assert seen.json() == made.json()
    assert {name: made.json()[name] for name in ("name", "stock", "price", "currency", "attributes", "isActive")} == {
        "name": "Лампа 100%",
        "stock": 12,
        "price": "1299.00",
        "currency": "RUB",
        "attributes": {"watts": 4.5, "colours": ["red"]},
        "isActive": True,
    }


async def test_only_operators_change_the_catalog(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    product = a_product(services)
    assert slug(await create(api, buyer, LAMP)) == (403, "forbidden")
    assert slug(await api.patch(f"{WHERE}/{product}", json={"price": "1.00"}, headers=buyer.headers)) == (
        403,
        "forbidden",
    )
    answer = await api.put(f"{WHERE}/{product}/stock", json={"available": 9}, headers=buyer.headers)
    assert slug(answer) == (403, "forbidden")


async def test_a_sku_is_created_once_and_a_key_replays_it(api: httpx2.AsyncClient, operator: Person) -> None:
    key = {"Idempotency-Key": "add-l-1"}
    first, again = [await create(api, operator, LAMP, **key) for _ in range(2)]
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, first.json(), "true")
    assert slug(await create(api, operator, LAMP | {"name": "Other"}, **key)) == (422, "idempotency-key-reused")
    refused = await create(api, operator, LAMP | {"sku": "\uff2c\u200b-1"})
    assert (slug(refused), refused.json()["errors"][0]["pointer"]) == ((422, "validation-error"), "/sku")


@pytest.mark.parametrize(
    "changed",
    [
        {"price": "0"},
        {"price": "1.001"},
        {"price": -1},
        {"price": True},
        {"currency": "XXX1"},
        {"currency": "rub"},
        {"stock": -1},
        {"stock": 1.5},
        {"stock": 10**10},
        {"name": ""},
        {"name": "x" * 201},
        {"sku": "a\u0000b"},
        {"sku": "\u200b"},
        {"name": "\u200b"},
        {"name": "Lamp \u202egnp"},
        {"attributes": []},
        {"id": str(new_id())},
    ],
    ids=lambda changed: (
        "-".join(f"{name}-{str(value)[:6]!a}" for name, value in changed.items() if name != "id") or "id"
    ),
)
async def test_G13_invalid_products(api: httpx2.AsyncClient, operator: Person, changed: dict[str, Any]) -> None:
    assert slug(await create(api, operator, LAMP | changed)) == (422, "validation-error")


async def changed(api: httpx2.AsyncClient, who: Person, product: UUID, body: dict[str, Any]) -> httpx2.Response:
    return await api.patch(f"{WHERE}/{product}", json=body, headers=who.headers)


async def test_omitted_fields_stay(api: httpx2.AsyncClient, operator: Person, services: Services) -> None:
    product = a_product(services)
    cheaper = (await changed(api, operator, product, {"price": "999.00"})).json()
    assert (cheaper["price"], cheaper["currency"], cheaper["name"]) == ("999.00", "RUB", "Lantern")
    yen = (await changed(api, operator, product, {"price": "500", "currency": "JPY"})).json()
    assert (yen["price"], yen["currency"]) == ("500", "JPY")
    assert (await changed(api, operator, product, {})).json() == yen
    assert slug(await changed(api, operator, product, {"currency": "USD"})) == (422, "validation-error")
    assert slug(await changed(api, operator, product, {"name": None})) == (422, "validation-error")
    assert slug(await changed(api, operator, new_id(), {"name": "x"})) == (404, "not-found")


async def test_T74_only_operators_see_an_inactive_product(
    api: httpx2.AsyncClient, operator: Person, buyer: Person, services: Services
) -> None:
    product = a_product(services)
    assert (await changed(api, operator, product, {"isActive": False})).json()["isActive"] is False
    for path in ("", "/price", "/stock"):
        for headers in ({}, buyer.headers):
            answer = await api.get(f"{WHERE}/{product}{path}", headers=headers)
            assert slug(answer) == (404, "not-found")
        assert (await api.get(f"{WHERE}/{product}{path}", headers=operator.headers)).status_code == 200
    assert (await api.get(WHERE)).json()["items"] == []


async def test_T76_no_header_is_reflected(api: httpx2.AsyncClient, services: Services) -> None:
    product = a_product(services)
    headers = {
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Scheme": "evil",
        "X-Original-URL": "/evil",
        "Host": "evil.test",
    }
    answer = await api.get(f"{WHERE}/{product}", headers=headers)
    assert answer.status_code == 200
    assert "evil" not in answer.text + str(answer.headers)
