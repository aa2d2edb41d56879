"""The catalog over HTTP: prices come from the catalog, stock from the reservations."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest

from services.bootstrap import Services
from services.reservations.views import Item
from tests.api.people import Person
from tests.api.shop import a_product

PRODUCTS = "/api/v1/products"


async def everything(api: httpx2.AsyncClient, **params: str) -> list[str]:
    """Names on all pages."""
    names: list[str] = []
    while True:
        page = (await api.get(PRODUCTS, params=params)).json()
        names += [product["name"] for product in page["items"]]
        if page["nextCursor"] is None:
            return names
        params = {**params, "cursor": page["nextCursor"]}


async def test_a_product(api: httpx2.AsyncClient, services: Services) -> None:
    product_id = a_product(services, price="10.50", stock=7)

    whole = await api.get(f"{PRODUCTS}/{product_id}")
    price = await api.get(f"{PRODUCTS}/{product_id}/price")
    stock = await api.get(f"{PRODUCTS}/{product_id}/stock")

    assert whole.json() == {
        "id": str(product_id),
        "name": "Lantern",
        "description": "",
        "stock": 7,
        "price": "10.50",
        "currency": "RUB",
        "attributes": {},
        "isActive": True,
    }
    assert price.json() == {"productId": str(product_id), "price": "10.50", "currency": "RUB"}
    assert stock.json() == {"productId": str(product_id), "available": 7}


async def test_T75_reserved_stock_is_not_available(api: httpx2.AsyncClient, services: Services) -> None:
    product_id = a_product(services, stock=3)
    services.reservations.hold(uuid4(), [Item(product_id, 3)], 60)

    assert (await api.get(f"{PRODUCTS}/{product_id}/stock")).json()["available"] == 0


async def test_a_currency_without_decimals(api: httpx2.AsyncClient, services: Services) -> None:
    product_id = a_product(services, price="500", currency="JPY")

    assert (await api.get(f"{PRODUCTS}/{product_id}/price")).json()["price"] == "500"


@pytest.mark.parametrize("rest", ["", "/price", "/stock"])
async def test_T74_inactive_products_are_for_operators(
    api: httpx2.AsyncClient, services: Services, buyer: Person, operator: Person, rest: str
) -> None:
    path = f"{PRODUCTS}/{a_product(services, active=False)}{rest}"

    answers = [
        await api.get(path),
        await api.get(path, headers=buyer.headers),
        await api.get(path, headers=operator.headers),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert (await api.get(f"{PRODUCTS}/{uuid4()}{rest}")).status_code == 404
    assert await everything(api) == []


async def test_pages(api: httpx2.AsyncClient, services: Services) -> None:
    for number in range(5):
        a_product(services, name=f"Lantern {number}")

    assert sorted(await everything(api, limit="2")) == [f"Lantern {number}" for number in range(5)]


async def test_T73_search_text_is_literal(api: httpx2.AsyncClient, services: Services) -> None:
    for name in ("100% wool", "Wool_sock", "Шерсть"):
        a_product(services, name=name)

    assert await everything(api, q="%") == ["100% wool"]
    assert await everything(api, q="_") == ["Wool_sock"]
    assert await everything(api, q="шерсть") == ["Шерсть"]
    assert await everything(api, q=".*") == []
    assert sorted(await everything(api, q="WOOL")) == ["100% wool", "Wool_sock"]


@pytest.mark.parametrize("q", [" Ёлка \t новогодняя\n", "ёл\u00adка\u200b", "\ufeffЕЛКА"], ids=ascii)
async def test_T186_a_pasted_search_finds_what_was_typed(api: httpx2.AsyncClient, services: Services, q: str) -> None:
    a_product(services, name="Ёлка новогодняя")
    a_product(services, name="Лампа")

    assert await everything(api, q=q) == ["Ёлка новогодняя"]


async def test_by_currency(api: httpx2.AsyncClient, services: Services) -> None:
    a_product(services, name="roubles")
    a_product(services, name="dollars", currency="USD")

    assert await everything(api, currency="USD") == ["dollars"]


async def test_by_stock_across_pages(api: httpx2.AsyncClient, services: Services) -> None:
    for number in range(9):
        a_product(services, name=f"n{number}", stock=number % 3)

    there = await everything(api, inStock="true", limit="2")
    gone = await everything(api, inStock="false", limit="2")

    assert sorted(there) == ["n1", "n2", "n4", "n5", "n7", "n8"]
    assert sorted(gone) == ["n0", "n3", "n6"]


async def test_a_full_page_that_is_the_last_has_no_cursor(api: httpx2.AsyncClient, services: Services) -> None:
    for _ in range(2):
        a_product(services)

    for params in ({"limit": "2"}, {"limit": "2", "inStock": "true"}):
        page = (await api.get(PRODUCTS, params=params)).json()
        assert (len(page["items"]), page["nextCursor"]) == (2, None)


@pytest.mark.parametrize(
    "params",
    [
        {"q": ""},
        {"q": "\u200b \u00ad"},
        {"q": "x" * 101},
        {"q": "a\x00"},
        {"currency": "rub"},
        {"currency": "RUBLE"},
        {"inStock": "1"},
        {"limit": "0"},
    ],
)
async def test_invalid_filters(api: httpx2.AsyncClient, services: Services, params: dict[str, str]) -> None:
    assert (await api.get(PRODUCTS, params=params)).status_code == 422


async def test_fields_of_the_list(api: httpx2.AsyncClient, services: Services) -> None:
    product_id: UUID = a_product(services, stock=7)

    page = (await api.get(PRODUCTS)).json()

    assert page["items"] == [
        {"id": str(product_id), "name": "Lantern", "stock": 7, "price": "1299.00", "currency": "RUB"}
    ]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The statements that are sent to the database."""
    sent: list[object] = []
    execute = psycopg.Cursor.execute

    def noted(cursor: psycopg.Cursor[object], query: object, *rest: object, **options: object) -> object:
        sent.append(query)
        return execute(cursor, query, *rest, **options)  # type: ignore[call-overload]  # passed on as it came

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    return sent


@pytest.mark.parametrize("rest", ["", "/{id}", "/{id}/price", "/{id}/stock"])
async def test_a_read_is_one_statement(
    api: httpx2.AsyncClient, services: Services, statements: list[object], rest: str
) -> None:
    path = PRODUCTS + rest.format(id=a_product(services))
    await api.get(path)  # leases permits of the rate limit
    statements.clear()

    assert (await api.get(path)).status_code == 200

    assert len(statements) == 1


async def test_a_product_without_a_stock_row_has_no_stock(api: httpx2.AsyncClient, services: Services) -> None:
    product_id = a_product(services)
    services.database.execute("DELETE FROM reservations.stocks")

    assert (await api.get(f"{PRODUCTS}/{product_id}")).json()["stock"] == 0
    assert (await api.get(PRODUCTS)).json()["items"][0]["stock"] == 0


@pytest.mark.parametrize("rest", ["", "/{id}", "/{id}/price", "/{id}/stock"])
async def test_a_client_that_has_the_response_gets_304(api: httpx2.AsyncClient, services: Services, rest: str) -> None:
    path = PRODUCTS + rest.format(id=a_product(services, stock=7))
    tag = (await api.get(path)).headers["etag"]

    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await api.get(path, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert (await api.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_a_sold_unit_changes_the_tag(api: httpx2.AsyncClient, services: Services) -> None:
    product_id = a_product(services, stock=7)
    tags = {path: (await api.get(path)).headers["etag"] for path in (PRODUCTS, f"{PRODUCTS}/{product_id}")}
    services.reservations.hold(uuid4(), [Item(product_id, 1)], 60)

    for path, tag in tags.items():
        answer = await api.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.headers["etag"] == tag) == (200, False)


async def test_a_response_to_a_token_is_not_stored(
    api: httpx2.AsyncClient, services: Services, operator: Person
) -> None:
    path = f"{PRODUCTS}/{a_product(services, active=False)}"

    answer = await api.get(path, headers=operator.headers)
    again = await api.get(path, headers={**operator.headers, "If-None-Match": answer.headers["etag"]})
    refused = await api.get(path, headers={"If-None-Match": answer.headers["etag"]})

    assert answer.headers["cache-control"] == "no-store"
    assert [answer.status_code, again.status_code, refused.status_code] == [200, 304, 404]
