"""Stocks and reservations over HTTP, as services and operators use them (T77 … T86)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from services.identity.views import Scope
from services.reservations.views import Item
from tests.api.people import Person, a_service
from tests.deadlocks import deadlocks

API = "/api/v1"
WHERE = f"{API}/reservations"


@pytest.fixture
def service(services: Services) -> Person:
    return a_service(services, Scope.STOCKS_READ, Scope.RESERVATIONS_WRITE)


@pytest.fixture
def products(services: Services) -> list[UUID]:
    """Three products with ten units each."""
    made = sorted(new_id() for _ in range(3))
    services.reservations.add_stocks([(product, 10) for product in made])
    return made


def slug(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def wanted(*lines: tuple[UUID, int], order_id: UUID | None = None) -> dict[str, Any]:
    items = [{"productId": str(product), "quantity": quantity} for product, quantity in lines]
    return {"orderId": str(order_id or new_id()), "items": items}


async def reserve(api: httpx2.AsyncClient, who: Person, body: dict[str, Any], **headers: str) -> httpx2.Response:
    return await api.post(WHERE, json=body, headers=who.headers | headers)


async def end(api: httpx2.AsyncClient, who: Person, reservation_id: str, how: str) -> httpx2.Response:
    return await api.post(f"{WHERE}/{reservation_id}/{how}", headers=who.headers)


def stock(services: Services, product: UUID) -> tuple[int, int, int]:
    found = services.reservations.stocks([product])[product]
    return found.available, found.reserved, found.sold


async def test_T77_stocks_for_services_only(
    api: httpx2.AsyncClient, service: Person, buyer: Person, products: list[UUID]
) -> None:
    assert (await api.get(f"{API}/stocks")).status_code == 401
    assert slug(await api.get(f"{API}/stocks", headers=buyer.headers)) == (403, "forbidden")
    first = (await api.get(f"{API}/stocks?limit=2", headers=service.headers)).json()
    rest = (await api.get(f"{API}/stocks?cursor={first['nextCursor']}", headers=service.headers)).json()
    assert [each["productId"] for each in first["items"] + rest["items"]] == [str(each) for each in products]
    assert rest["nextCursor"] is None
    one = await api.get(f"{API}/stocks?productId={products[1]}&productId={new_id()}", headers=service.headers)
    assert one.json()["items"] == [{"productId": str(products[1]), "available": 10}]


async def test_T78_the_scope_is_needed(
    api: httpx2.AsyncClient, services: Services, buyer: Person, products: list[UUID]
) -> None:
    body = wanted((products[0], 1))
    assert (await api.post(WHERE, json=body)).status_code == 401
    for who in (buyer, a_service(services, Scope.STOCKS_READ), a_service(services, Scope.RESERVATIONS_READ)):
        assert slug(await reserve(api, who, body)) == (403, "forbidden")
    assert stock(services, products[0]) == (10, 0, 0)


async def test_T79_the_same_again_and_other_items(
    api: httpx2.AsyncClient, service: Person, services: Services, products: list[UUID]
) -> None:
    body = wanted((products[0], 2), (products[1], 1))
    first, again = await reserve(api, service, body), await reserve(api, service, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert slug(await reserve(api, service, body | {"items": body["items"][:1]})) == (409, "reservation-exists")
    seen = (await api.get(f"{WHERE}/{first.json()['reservationId']}", headers=service.headers)).json()
    assert (seen["status"], seen["orderId"]) == ("reserved", body["orderId"])
    assert [line["reservedQuantity"] for line in seen["items"]] == [2, 1]
    assert stock(services, products[0]) == (8, 2, 0)


async def test_T80_lines_are_summed_limited_and_named_when_short(
    api: httpx2.AsyncClient, service: Person, services: Services, products: list[UUID]
) -> None:
    product = products[0]
    short = await reserve(api, service, wanted((product, 6), (product, 6), (products[1], 1)))
    assert slug(short) == (409, "out-of-stock")
    assert short.json()["products"] == [{"productId": str(product), "wanted": 12, "available": 10}]
    for quantity in (0, -1, True, 1.5, "1", 1_000_001):
        body = wanted((product, 1))
        body["items"][0]["quantity"] = quantity
        assert slug(await reserve(api, service, body)) == (422, "validation-error")
    assert slug(await reserve(api, service, wanted(*[(product, 1)] * 101))) == (422, "validation-error")
    assert slug(await reserve(api, service, wanted())) == (422, "validation-error")
    assert stock(services, product) == stock(services, products[1]) == (10, 0, 0)


async def test_T81_nothing_is_reserved_after_a_release(
    api: httpx2.AsyncClient, service: Person, services: Services, products: list[UUID]
) -> None:
    body = wanted((products[0], 2))
    made = (await reserve(api, service, body)).json()
    await end(api, service, made["reservationId"], "release")
    assert slug(await reserve(api, service, body)) == (409, "reservation-closed")
    services.reservations.release(late := new_id())
    assert slug(await reserve(api, service, wanted((products[0], 1), order_id=late))) == (409, "reservation-closed")
    assert stock(services, products[0]) == (10, 0, 0)


async def test_T82_crossed_baskets(api: httpx2.AsyncClient, service: Person, services: Services) -> None:
    first, second = new_id(), new_id()
    services.reservations.add_stocks([(first, 1000), (second, 1000)])
    baskets = [wanted((first, 1), (second, 1)), wanted((second, 1), (first, 1))]
    before = deadlocks(services.database)
    answers = await asyncio.gather(
        *(reserve(api, service, baskets[number % 2] | {"orderId": str(new_id())}) for number in range(32))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 32}
    assert deadlocks(services.database) == before
    assert stock(services, first) == stock(services, second) == (968, 32, 0)


async def test_T83_unknown_ids(api: httpx2.AsyncClient, service: Person, buyer: Person) -> None:
    for path in ("", "/confirm", "/release"):
        method = "POST" if path else "GET"
        answer = await api.request(method, f"{WHERE}/{new_id()}{path}", headers=service.headers)
        assert slug(answer) == (404, "not-found")
    assert slug(await api.get(f"{WHERE}/{new_id()}", headers=buyer.headers)) == (403, "forbidden")


async def test_T84_confirmed_twice_then_never_released(
    api: httpx2.AsyncClient, service: Person, services: Services, products: list[UUID]
) -> None:
    made = (await reserve(api, service, wanted((products[0], 3)))).json()["reservationId"]
    for _ in range(2):
        answer = await end(api, service, made, "confirm")
        assert (answer.status_code, answer.json()) == (200, {"reservationId": made, "status": "confirmed"})
    assert slug(await end(api, service, made, "release")) == (409, "invalid-transition")
    assert stock(services, products[0]) == (7, 0, 3)


async def test_T84_not_confirmed_after_release_or_expiry(
    api: httpx2.AsyncClient, service: Person, services: Services, products: list[UUID]
) -> None:
    released = (await reserve(api, service, wanted((products[0], 3)))).json()["reservationId"]
    await end(api, service, released, "release")
    services.reservations.hold(expired := new_id(), [Item(products[0], 1)], 0)
    found = services.reservations.find(expired)
    assert found is not None
    for reservation_id in (released, str(found.id)):
        assert slug(await end(api, service, reservation_id, "confirm")) == (409, "invalid-transition")
    assert stock(services, products[0])[2] == 0


async def test_T85_released_twice_gives_back_once(
    api: httpx2.AsyncClient, service: Person, services: Services, products: list[UUID]
) -> None:
    made = (await reserve(api, service, wanted((products[0], 3)))).json()["reservationId"]
    for _ in range(2):
        answer = await end(api, service, made, "release")
        assert (answer.status_code, answer.json()["status"]) == (200, "released")
    assert stock(services, products[0]) == (10, 0, 0)


async def test_T86_confirm_and_release_at_once_have_one_winner(
    api: httpx2.AsyncClient, service: Person, services: Services
) -> None:
    product = new_id()
    services.reservations.add_stocks([(product, 100)])
    for _ in range(5):
        made = (await reserve(api, service, wanted((product, 1)))).json()["reservationId"]
        answers = await asyncio.gather(
            *(end(api, service, made, ("confirm", "release")[number % 2]) for number in range(10))
        )
        assert Counter(answer.status_code for answer in answers) == {200: 5, 409: 5}
        final = (await api.get(f"{WHERE}/{made}", headers=service.headers)).json()["status"]
        assert {answer.json()["status"] for answer in answers if answer.status_code == 200} == {final}
    assert stock(services, product)[1] == 0


async def test_G15_a_key_belongs_to_one_body(
    api: httpx2.AsyncClient, service: Person, operator: Person, products: list[UUID]
) -> None:
    body, key = wanted((products[0], 1)), {"Idempotency-Key": "only-once"}
    first, again = [await reserve(api, service, body, **key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert first.json() == again.json()
    other = await reserve(api, service, wanted((products[0], 1)), **key)
    assert slug(other) == (422, "idempotency-key-reused")
    assert (await reserve(api, operator, wanted((products[0], 1)), **key)).status_code == 201
