"""API_OPERATIONS: operations of services on a listener of their own, by real HTTP."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx2
import pytest

from api.access.operations import BASE, OPERATIONS
from services.bootstrap import Services
from services.identity.views import Scope
from tests.api.people import Person, a_service
from tests.api.serving import serving
from tests.api.shop import a_product, order

_OUTSIDE = re.compile(r"GET /(|livez|readyz|metrics|guide|problems.*|return|docs.*|openapi\.json|\.well-known/.*)")
INTERNAL = {key for key, row in OPERATIONS.items() if row.internal}
PUBLIC = {key for key in OPERATIONS if key not in INTERNAL and not _OUTSIDE.fullmatch(key)}


async def served_by(client: httpx2.AsyncClient) -> set[str]:
    """The operations that are not answered like a path that does not exist."""
    nothing = (await client.get(f"{BASE}/nope")).json()["detail"]
    found = set()
    for key in INTERNAL | PUBLIC:
        method, _, path = key.partition(" ")
        answer = await client.request(method, BASE + re.sub(r"\{\w+\}", str(uuid4()), path))
        if answer.status_code == 404 and answer.json()["detail"] == nothing:
            continue
        assert answer.status_code != 405, key
        found.add(key)
    return found


def test_the_internal_operations_are_those_of_services() -> None:
    words = {key.split("/")[1] for key in INTERNAL}
    assert words == {"stocks", "reservations", "payments", "refunds", "notifications", "orders"}
    assert {key for key in INTERNAL if "/orders" in key} == {"POST /orders/{orderId}/payment-status"}
    assert {"POST /payments/{paymentId}/notify", "POST /payments/webhooks/{gateway}", "GET /orders"} <= PUBLIC


@pytest.mark.parametrize(
    ("operations", "expected"), [("public", PUBLIC), ("internal", INTERNAL), ("all", PUBLIC | INTERNAL)]
)
async def test_a_listener_serves_its_operations_only(services: Services, operations: str, expected: set[str]) -> None:
    async with serving(services, api_operations=operations) as listener:
        assert await served_by(listener.client) == expected
        assert (await listener.client.get("/livez")).status_code == 200
        described = (await listener.client.get("/openapi.json")).json()["paths"]
        listed = {f"{method.upper()} {path.removeprefix(BASE)}" for path, row in described.items() for method in row}
        assert {key for key in listed if key in INTERNAL | PUBLIC} == expected


async def test_one_service_with_its_internal_operations_on_a_listener_of_their_own(
    services: Services, buyer: Person
) -> None:
    """Two processes over one database: buyers on the one, services on the other."""
    product_id = a_product(services, stock=3)
    service = a_service(services, Scope.STOCKS_READ)
    async with (
        serving(services, api_operations="public") as public,
        serving(services, api_operations="internal", api_services="reservations") as internal,
    ):
        assert (await order(public.client, buyer, product_id)).status_code == 201
        refused = await public.client.get(f"{BASE}/stocks", headers=service.headers)
        answer = await internal.client.get(f"{BASE}/stocks", headers=service.headers)
        nobody = await internal.client.get(f"{BASE}/stocks", headers=buyer.headers)
        elsewhere = await internal.client.get(f"{BASE}/refunds/{uuid4()}", headers=service.headers)
    assert (refused.status_code, answer.status_code, nobody.status_code, elsewhere.status_code) == (404, 200, 403, 404)
    assert str(product_id) in answer.text
