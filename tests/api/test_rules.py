"""Rules for every operation (docs/abuse-cases.md, G1-G15); rules for bodies are in test_rules_of_bodies.py."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from api.access.callers import Token
from api.access.operations import OPERATIONS, methods_of
from api.app import create_app
from api.state import set_state, state_of
from services import db
from services.bootstrap import Services, open_services
from services.clock import Clock
from services.db import Database
from services.identity.access_tokens import AccessTokens
from services.identity.views import CallerKind
from services.settings import Settings
from tests.api.every_operation import (
    API,
    PROVEN_BY_CONTENT,
    WITH_ID,
    WITH_TOKEN,
    Asking,
    Callers,
    but_for_the_occurrence,
    request_line,
    slug,
)
from tests.api.people import PASSWORD, a_buyer, an_operator
from tests.api.shop import a_product, order
from tests.api.watching import Watch
from tests.conftest import empty
from tests.fakes.gateway import FakeGateway
from tests.services.identity.forged_tokens import FORGED

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY", "BREW")
PATHS = sorted({operation.partition(" ")[2] for operation in API})
#: A buyer's own things, whose ids stand in the path.
OWNED = [operation for operation in WITH_ID if CallerKind.BUYER in OPERATIONS[operation].access.kinds]
#: Answered from memory.
WITHOUT_DATABASE = {"GET /.well-known/jwks.json"}


@pytest.fixture(scope="module")
def roomy(settings: Settings, all_database: Database) -> Iterator[Services]:
    """Services with limits that no test reaches, emptied once: refused requests write nothing."""
    empty(all_database)
    wide = settings.model_copy(update={"rate_limit_factor": 1000.0})
    with open_services(wide, database=all_database, gateway=FakeGateway()) as services:
        yield services


@pytest.fixture(scope="module")
def callers(roomy: Services) -> Callers:
    return Callers(a_buyer(roomy), an_operator(roomy))


@pytest.fixture(scope="module")
def app(roomy: Services) -> FastAPI:
    return create_app(roomy)


@pytest.fixture(scope="module")
async def asking(app: FastAPI, callers: Callers) -> AsyncIterator[Asking]:
    """Every answer is held against G11 as well."""
    async with client_of(app) as api:
        yield Asking(api, callers)


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    hooks: dict[str, list[Any]] = {"response": [Watch(app).check]}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://market", event_hooks=hooks)


class Yesterday(Clock):
    """A day behind."""

    def override(self) -> datetime:
        return datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(scope="module")
def bad_tokens(roomy: Services, callers: Callers) -> dict[str, str]:
    """Tokens by what is wrong with them (all of FORGED against one operation: test_keys.py)."""
    keys = roomy.tokens._keys
    named = ("alg none", "another key under our kid", "wrong typ", "another audience", "cut off", "no session")
    ended = a_buyer(roomy)
    revoked = roomy.minted_tokens.mint(CallerKind.OPERATOR, name="eve")
    roomy.minted_tokens.revoke("eve")
    roomy.sign_in.logout(roomy.sign_in.login(ended.email, None, PASSWORD).refresh_token)
    roomy.identity.set_active(UUID(str(ended.id)), False)
    return {
        **{name: FORGED[name](keys, callers.buyer.token) for name in named},
        "expired": AccessTokens(keys, Yesterday()).mint(CallerKind.OPERATOR, name="anna"),
        "malformed": "nonsense",
        "revoked": ended.token,
        "minted elsewhere": roomy.tokens.mint(CallerKind.OPERATOR, name="anna"),
        "revoked by name": revoked,
    }


@pytest.mark.parametrize("operation", WITH_TOKEN)
async def test_G1_every_invalid_token_gets_the_same_401(
    asking: Asking, bad_tokens: dict[str, str], operation: str
) -> None:
    method, path = request_line(operation)
    answers = [
        await asking.api.request(method, path, headers={"Authorization": f"Bearer {token}"})
        for token in bad_tokens.values()
    ]
    if OPERATIONS[operation].access.token is Token.REQUIRED:
        answers.append(await asking.api.request(method, path))

    assert {(answer.status_code, slug(answer)) for answer in answers} == {(401, "unauthenticated")}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer realm="api"'}
    assert len({json.dumps(but_for_the_occurrence(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("operation", OWNED)
async def test_G3_a_resource_of_another_user_answers_like_a_missing_one(
    asking: Asking, roomy: Services, operation: str
) -> None:
    owner = a_buyer(roomy)
    placed = await order(asking.api, owner, a_product(roomy))
    session = roomy.sign_in.sessions(UUID(str(owner.id)), None, None, 1)[0]
    theirs = {"orderId": str(placed.json()["orderId"]), "sessionId": str(session.id)}

    others = await asking.ask(operation, headers={"Prefer": "wait=0"}, **theirs)
    missing = await asking.ask(operation, headers={"Prefer": "wait=0"})

    assert (missing.status_code, slug(missing)) == (404, "not-found")
    assert but_for_the_occurrence(others) == but_for_the_occurrence(missing)


@pytest.mark.parametrize("path", PATHS)
async def test_G8_other_methods_answer_405(asking: Asking, path: str) -> None:
    known = methods_of(path)
    for method in (method for method in METHODS if method not in known):
        answer = await asking.api.request(method, request_line(f"{method} {path}")[1])
        if method != "HEAD":  # a response to HEAD has no body
            # `/orders/me` is also an `/orders/{orderId}` to a method that only the latter knows.
            assert slug(answer) in ("method-not-allowed", "validation-error", "unauthenticated"), method
        if answer.status_code == 405:
            assert answer.headers["allow"] == ", ".join(known), method


@pytest.mark.parametrize("operation", [operation for operation in API if operation.startswith("GET ")])
async def test_T143_HEAD_answers_as_GET_without_a_body(asking: Asking, operation: str) -> None:
    _, path = request_line(operation)
    caller = asking.callers.of(operation)
    headers = {"X-Request-Id": "same", "Accept": "application/json", **(caller.headers if caller else {})}

    got = await asking.api.get(path, headers=headers)
    head = await asking.api.head(path, headers=headers)

    assert (head.status_code, head.content) == (got.status_code, b"")
    assert dict(head.headers) == dict(got.headers)


@pytest.mark.parametrize("operation", API)
async def test_G8_a_longer_path_answers_404(asking: Asking, operation: str) -> None:
    method, path = request_line(operation)

    for more in ("/", "/nope/nope/nope"):
        answer = await asking.api.request(method, path + more)
        assert (answer.status_code, slug(answer)) == (404, "not-found")


@pytest.fixture(scope="module")
async def away(roomy: Services, callers: Callers, settings: Settings) -> AsyncIterator[Asking]:
    """The api with nothing where the database should be."""
    nowhere = db.connect("postgresql://market@127.0.0.1:1/market")
    with open_services(roomy.settings, database=nowhere, gateway=FakeGateway()) as services:
        async with client_of(create_app(services)) as api:
            yield Asking(api, callers)


@pytest.mark.parametrize("operation", [each for each in API if each not in PROVEN_BY_CONTENT])
async def test_G9_without_the_database_503_is_answered(away: Asking, operation: str) -> None:
    began = time.monotonic()
    answer = await away.ask(operation)

    assert (answer.status_code, slug(answer)) == (503, "service-unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert time.monotonic() - began < 5


async def test_G9_a_database_that_does_not_respond(roomy: Services, callers: Callers) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    nowhere = db.connect(f"postgresql://market@127.0.0.1:{port}/market")
    async with server:
        with open_services(roomy.settings, database=nowhere, gateway=FakeGateway()) as services:
            async with client_of(create_app(services)) as api:
                began = time.monotonic()
                answer = await Asking(api, callers).ask("GET /products/{productId}")
                seconds = time.monotonic() - began

    assert (answer.status_code, slug(answer)) == (503, "service-unavailable")
    assert seconds < 5


class BrokenServices:
    """Every service fails with a text that no response may contain."""

    def __init__(self, services: Services) -> None:
        self.settings = services.settings

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("canary: password is hunter2")


@pytest.fixture(scope="module")
async def broken(roomy: Services, callers: Callers) -> AsyncIterator[Asking]:
    app = create_app(roomy)
    set_state(app, replace(state_of(app), services=cast(Services, BrokenServices(roomy))))
    async with client_of(app) as api:
        yield Asking(api, callers)


@pytest.mark.parametrize("operation", API)
async def test_G10_an_unexpected_error_answers_500_without_its_text(broken: Asking, operation: str) -> None:
    answer = await broken.ask(operation, gateway="fake")

    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert "canary" not in answer.text


@pytest.mark.parametrize("operation", API)
async def test_G11_every_response_has_the_security_headers(asking: Asking, operation: str) -> None:
    answer = await asking.ask(operation, headers={"Origin": "https://evil.example", "Prefer": "wait=0"})

    assert answer.status_code < 500
    assert "access-control-allow-origin" not in answer.headers
    public = "etag" in answer.headers and "authorization" not in answer.request.headers
    assert answer.headers["cache-control"] == ("no-cache" if public else "no-store")
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


MALFORMED = {
    "number": "1",
    "word": "no-such-id",
    "no dashes": "0190f3a46c1e7d539a512f6d3c1b7e10",
    "braces": "{0190f3a4-6c1e-7d53-9a51-2f6d3c1b7e10}",
    "too long": "0190f3a4-6c1e-7d53-9a51-2f6d3c1b7e100",
    "zero": "%00",
    "broken UTF-8": "%ff",
    "SQL": "1'%20OR%20'1'='1",
    "other digits": "%D9%A0190f3a4-6c1e-7d53-9a51-2f6d3c1b7e1",
}


@pytest.mark.parametrize("operation", WITH_ID)
async def test_G12_a_malformed_id_answers_422(asking: Asking, operation: str) -> None:
    names = [step[1:-1] for step in operation.split("/") if step.startswith("{")]
    for what, bad in MALFORMED.items():
        answer = await asking.ask(operation, content=None, headers=None, **dict.fromkeys(names, bad))
        assert (answer.status_code, slug(answer)) == (422, "validation-error"), what
        assert answer.json()["errors"][0]["pointer"] == f"/path/{names[0]}", what
        assert len(bad) < 4 or bad not in answer.text, what


KEYED = [operation for operation in API if operation.startswith("POST")]
BAD_KEYS = {"empty": b"", "a space inside": b"a b", "256 characters": b"k" * 256, "not ASCII": "ключ".encode()}


@pytest.mark.parametrize("operation", KEYED)
async def test_G15_a_malformed_idempotency_key_answers_422(asking: Asking, app: FastAPI, operation: str) -> None:
    method, _ = request_line(operation)
    template = "/api/v1" + operation.partition(" ")[2]
    parameters = app.openapi()["paths"][template][method.lower()]["parameters"]
    if not any(parameter["name"] == "Idempotency-Key" for parameter in parameters):
        # CONTRACT, section 1: every POST outside of /auth that makes or moves something.
        assert operation.startswith("POST /auth/") or operation in PROVEN_BY_CONTENT
        return
    for what, key in BAD_KEYS.items():
        answer = await asking.ask(operation, headers={"Idempotency-Key": key.decode("latin-1")})
        assert (answer.status_code, slug(answer)) == (422, "validation-error"), what
        assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key", what
