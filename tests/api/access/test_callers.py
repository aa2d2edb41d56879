"""The table of operations and its callers: complete, enforced on every route, one response for every invalid token."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import get_args
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.access.callers import Access, Token
from api.access.guarded_route import GuardedRoute
from api.access.operations import OPERATIONS, KeyUse
from api.requests.idempotency import Idempotency
from services.bootstrap import Services
from services.identity.views import CallerKind, Scope
from tests.api.people import Person, a_service

BASE = "/api/v1"
REQUIRED = [operation for operation, row in OPERATIONS.items() if row.access.token is Token.REQUIRED]


def routes_of(app: FastAPI) -> Iterator[GuardedRoute]:
    for context in iter_route_contexts(app.router.routes):
        assert isinstance(context.original_route, GuardedRoute)
        yield context.original_route


def request_of(operation: str) -> tuple[str, str]:
    """A method and a path that the operation's route serves."""
    method, _, template = operation.partition(" ")
    return method, BASE + template.replace("{orderId}", str(uuid4())).replace("{productId}", str(uuid4()))


def test_every_route_has_a_row_and_every_row_a_route(app: FastAPI) -> None:
    assert sorted(route.operation for route in routes_of(app)) == sorted(OPERATIONS)


def test_the_document_names_the_statuses_of_success_and_the_keys_of_the_row(app: FastAPI) -> None:
    """A handler that could answer with another status, or reads a key that its row does not name, is found here."""
    for path, methods in app.openapi()["paths"].items():
        for method, described in methods.items():
            key = f"{method.upper()} {path.removeprefix(BASE)}"
            row = OPERATIONS[key]
            assert {status for status in described["responses"] if status < "300"} == set(map(str, row.success)), key
            # The key of /auth/refresh is not stored: the new pair is derived from it.
            takes_key = row.key is not KeyUse.NONE or key == "POST /auth/refresh"
            names = {parameter["name"] for parameter in described["parameters"]}
            assert ("Idempotency-Key" in names) is takes_key, key


def test_a_route_stores_the_key_where_its_row_says_so(app: FastAPI) -> None:
    [_, stores] = get_args(Idempotency)
    stored = {
        route.operation
        for route in routes_of(app)
        if stores.dependency in {dependant.call for dependant in route.dependant.dependencies}
    }

    assert stored == {operation for operation, row in OPERATIONS.items() if row.key is KeyUse.STORED}


def test_a_route_without_a_row_cannot_be_declared() -> None:
    async def opened() -> None: ...

    with pytest.raises(LookupError, match="POST /vault"):
        GuardedRoute("/vault", opened, methods=["POST"])


@pytest.mark.parametrize("operation", REQUIRED)
async def test_G1_an_operation_without_a_token_answers_401(api: httpx2.AsyncClient, operation: str) -> None:
    # Bodies and ids are wrong as well: who calls comes first.
    method, path = request_of(operation)
    answer = await api.request(method, re.sub("-(?=[0-9a-f]{4})", "!", path), content=b"{")

    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/unauthenticated"
    assert answer.headers["www-authenticate"].startswith("Bearer")


def bad_tokens(services: Services, buyer: Person) -> dict[str, str]:
    head, payload, signature = buyer.token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    return {
        "empty": "Bearer ",
        "another scheme": f"Basic {buyer.token}",
        "no scheme": buyer.token,
        "nonsense": "Bearer nonsense",
        "not ascii": "Bearer т",
        "two": f"Bearer {buyer.token} {buyer.token}",
        "cut": f"Bearer {head}.{payload}",
        "forged": f"Bearer {head}.{payload}.{signature[::-1]}",
        "alg none": f"Bearer {none}.{payload}.",
        "8 KiB": "Bearer " + "a" * 8192,
    }


async def test_G1_every_invalid_token_gets_the_same_401(
    api: httpx2.AsyncClient, services: Services, buyer: Person
) -> None:
    bodies = set()
    for authorization in bad_tokens(services, buyer).values():
        answer = await api.get(f"{BASE}/users/me", headers=[(b"Authorization", authorization.encode())])
        assert answer.status_code == 401
        bodies.add(json.dumps({name: value for name, value in answer.json().items() if name != "traceId"}))
    assert len(bodies) == 1


async def test_G1_two_authorization_headers_answer_401(api: httpx2.AsyncClient, buyer: Person) -> None:
    twice = [("Authorization", f"Bearer {buyer.token}")] * 2

    assert (await api.get(f"{BASE}/users/me", headers=twice)).status_code == 401


async def test_T41_the_token_of_a_disabled_user_answers_401(
    api: httpx2.AsyncClient, services: Services, buyer: Person
) -> None:
    assert buyer.id is not None
    services.identity.set_active(buyer.id, False)

    assert (await api.get(f"{BASE}/users/me", headers=buyer.headers)).status_code == 401


@pytest.mark.parametrize("operation", REQUIRED)
async def test_G2_callers_outside_the_row_get_403(
    api: httpx2.AsyncClient, services: Services, buyer: Person, operator: Person, operation: str
) -> None:
    row = OPERATIONS[operation].access
    held = [scope for scope in Scope if row.scope not in (scope, scope.replace(":write", ":read"))]
    callers = {
        CallerKind.BUYER: buyer,
        CallerKind.OPERATOR: operator,
        CallerKind.SERVICE: a_service(services, *held),
    }
    method, path = request_of(operation)
    for kind, person in callers.items():
        answer = await api.request(method, path, headers=person.headers, content=b"{")
        if kind in row.kinds:
            assert answer.status_code not in (401, 403)
        else:
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")


async def test_T60_a_service_needs_the_scope_of_the_operation(api: httpx2.AsyncClient, services: Services) -> None:
    path = f"{BASE}/orders/{uuid4()}"

    answers = [
        await api.get(path, headers=a_service(services, *scopes).headers)
        for scopes in ((Scope.STOCKS_READ,), (Scope.PAYMENTS_READ,), (Scope.ORDERS_READ,))
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 404]


@pytest.mark.parametrize(
    "operation", [operation for operation, row in OPERATIONS.items() if row.access == Access(Token.OPTIONAL)]
)
async def test_an_invalid_token_answers_401_where_a_token_is_optional(api: httpx2.AsyncClient, operation: str) -> None:
    method, path = request_of(operation)

    assert (await api.request(method, path, headers={"Authorization": "Bearer x"})).status_code == 401


async def test_an_expired_token_does_not_prevent_signing_in(api: httpx2.AsyncClient) -> None:
    answer = await api.post(f"{BASE}/auth/login/email", json={}, headers={"Authorization": "Bearer old"})

    assert answer.status_code == 422
