"""Rate limits: every operation is limited before its body is read, and no header changes who is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI

from api.access.callers import Token
from api.access.operations import OPERATIONS
from api.access.rate_limits import By, RateLimit, Unlimited
from api.app import create_app
from api.server import make_server
from api.state import state_of
from services import db
from services.bootstrap import Services
from services.db import Database
from services.identity.views import Caller, CallerKind, Scope
from services.rate_limiter import RateLimiter
from tests.api.people import PASSWORD, Person, a_service
from tests.api.watching import Watch
from tests.fakes.clock import FakeClock

API = "/api/v1"
LOGIN = f"{API}/auth/login/email"
WRONG = {"email": "nobody@example.com", "password": PASSWORD}


@pytest.fixture
def limited(services: Services) -> FastAPI:
    """An app whose rates are those of production, behind one proxy."""
    return app_of(services)


def app_of(services: Services, database: Database | None = None) -> FastAPI:
    settings = services.settings.model_copy(update={"rate_limit_factor": 1, "trusted_proxies": "10.0.0.0/8"})
    limits = RateLimiter(database or services.database, settings.secrets_key, FakeClock.now())
    return create_app(replace(services, settings=settings, limits=limits))


def limits_of(operation: str) -> tuple[RateLimit, ...]:
    """The limits of an operation."""
    limits = OPERATIONS[operation].limits
    return () if isinstance(limits, Unlimited) else limits


def spend(app: FastAPI, caller: Caller, times: int) -> None:
    """What so many requests of this caller count."""
    for _ in range(times):
        state_of(app).limits.count_caller(limits_of("GET /orders/{orderId}"), caller)


@asynccontextmanager
async def client_of(app: FastAPI, address: str = "198.51.100.7") -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, client=(address, 123))
    hooks = {"response": [Watch(app).check]}
    async with httpx2.AsyncClient(transport=transport, base_url="http://market", event_hooks=hooks) as client:
        yield client


async def statuses(client: httpx2.AsyncClient, times: int, method: str, path: str, **more: object) -> Counter[int]:
    """How a request is answered so many times, one after the other."""
    found: Counter[int] = Counter()
    for _ in range(times):
        found[(await client.request(method, API + path, **more)).status_code] += 1  # type: ignore[arg-type]  # options of httpx2
    return found


def test_G7_only_probes_and_metrics_are_not_limited() -> None:
    unlimited = {operation for operation, row in OPERATIONS.items() if isinstance(row.limits, Unlimited)}
    assert unlimited == {"GET /livez", "GET /readyz", "GET /metrics"}
    assert [operation for operation, row in OPERATIONS.items() if row.limits == ()] == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_G7_a_caller_is_counted_where_a_token_is_required(operation: str) -> None:
    requires = OPERATIONS[operation].access.token is Token.REQUIRED

    assert any(limit.by is By.CALLER for limit in limits_of(operation)) == requires


def test_each_rate_has_a_name_of_its_own() -> None:
    rates = {limit.rate for operation in OPERATIONS for limit in limits_of(operation)}

    assert len({rate.name for rate in rates}) == len(rates)


async def test_T01_an_address_may_register_twenty_times_an_hour(limited: FastAPI) -> None:
    async with client_of(limited) as client, client_of(limited, "198.51.100.8") as another_client:
        first = await statuses(client, 12, "POST", "/auth/register/email", json={})
        second = await statuses(client, 12, "POST", "/auth/register/phone", json={})
        answer = await client.post(f"{API}/auth/register/email", json={})
        other = await another_client.post(f"{API}/auth/register/email", json={})

    assert first + second == {422: 20, 429: 4}
    assert answer.json()["type"] == "/problems/rate-limited"
    assert answer.headers["retry-after"] == "180"
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "times"),
    [
        ("POST", "/auth/verify/email/send", 20),
        ("POST", "/auth/verify/phone/send", 20),
        ("POST", "/auth/password/reset/request", 20),
        ("POST", "/auth/verify/email/confirm", 60),
        ("POST", "/auth/password/reset/confirm", 60),
        ("PUT", "/users/me/email", 20),
    ],
)
async def test_T10_sending_and_confirming_codes_is_limited_by_address(
    limited: FastAPI, method: str, path: str, times: int
) -> None:
    # Empty bodies: whatever is in them, the request was counted.
    async with client_of(limited) as client:
        found = await statuses(client, times + 3, method, path, json={})

    assert found[429] == 3
    assert found.keys() <= {422, 401, 429}


async def test_T15_a_network_may_log_in_thirty_times_a_minute(limited: FastAPI) -> None:
    found: Counter[int] = Counter()
    for host in range(1, 9):
        async with client_of(limited, f"198.51.100.{host}") as client:
            found += await statuses(client, 4, "POST", "/auth/login/email", json={})
    async with client_of(limited, "198.51.101.1") as elsewhere:
        other = await elsewhere.post(LOGIN, json={})

    assert found == {422: 30, 429: 2}
    assert other.status_code == 422


async def test_T15_an_IPv6_network_is_a_64(limited: FastAPI) -> None:
    found: Counter[int] = Counter()
    for host in range(1, 9):
        async with client_of(limited, f"2001:db8:1:2::{host}") as client:
            found += await statuses(client, 4, "POST", "/auth/login/email", json={})

    assert found == {422: 30, 429: 2}


async def test_T15_the_body_of_a_limited_login_is_not_read(limited: FastAPI) -> None:
    async with client_of(limited) as client:
        await statuses(client, 30, "POST", "/auth/login/email", json={})
        answer = await client.post(LOGIN, content=b"{" * 100_000, headers={"Content-Type": "text/plain"})

    assert answer.status_code == 429


async def test_T73_the_121st_list_of_products_of_a_minute_answers_429(limited: FastAPI) -> None:
    async with client_of(limited) as client:
        found = await statuses(client, 120, "GET", "/products")
        answer = await client.get(f"{API}/products")
        single = await statuses(client, 1, "GET", f"/products/{uuid4()}")

    assert (found, single) == ({200: 120}, {404: 1})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize("part", ["", "/price", "/stock"])
async def test_T73_the_1201st_product_of_a_minute_answers_429(limited: FastAPI, part: str) -> None:
    limits = limits_of("GET /products/{productId}")
    for _ in range(1199):
        state_of(limited).limits.count_address(limits, "198.51.100.7")
    async with client_of(limited) as client:
        found = await statuses(client, 2, "GET", f"/products/{uuid4()}{part}")

    assert found == {404: 1, 429: 1}


async def test_G7_a_caller_may_send_six_hundred_requests_a_minute(
    limited: FastAPI, buyer: Person, other: Person
) -> None:
    spend(limited, Caller(CallerKind.BUYER, buyer.id, None, "buyer"), 598)
    path = f"/orders/{uuid4()}"
    async with client_of(limited) as client:
        found = await statuses(client, 2, "GET", path, headers=buyer.headers)
        answer = await client.post(f"{API}{path}/pay", headers=buyer.headers, content=b"{")
        others = await client.get(API + path, headers=other.headers)
        anonymous = await client.get(API + path)

    assert found == {404: 2}
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert (others.status_code, anonymous.status_code) == (404, 401)


async def test_G2_an_unauthorised_caller_gets_403_and_is_not_counted(limited: FastAPI, buyer: Person) -> None:
    spend(limited, Caller(CallerKind.BUYER, buyer.id, None, "buyer"), 599)
    async with client_of(limited) as client:
        refused = await statuses(client, 3, "GET", "/orders", headers=buyer.headers)
        found = await statuses(client, 2, "GET", "/orders/me", headers=buyer.headers)
        refused += await statuses(client, 1, "GET", "/orders", headers=buyer.headers)

    assert (refused, found) == ({403: 4}, {200: 1, 429: 1})


async def test_G7_minted_tokens_have_a_higher_limit(limited: FastAPI, services: Services) -> None:
    spend(limited, Caller(CallerKind.SERVICE, None, None, "service"), 5999)
    async with client_of(limited) as client:
        headers = a_service(services, Scope.ORDERS_READ).headers
        found = await statuses(client, 2, "GET", f"/orders/{uuid4()}", headers=headers)

    assert found == {404: 1, 429: 1}


async def test_G14_forwarding_headers_do_not_change_the_counted_address(limited: FastAPI) -> None:
    async with client_of(limited) as client:
        found: Counter[int] = Counter()
        for number in range(23):
            lies = {
                "X-Forwarded-For": f"203.0.113.{number}",
                "X-Real-IP": f"203.0.113.{number}",
                "Forwarded": f"for=203.0.113.{number}",
                "X-Forwarded-Host": "evil.example",
                "X-Forwarded-Proto": "https",
                "X-User-Id": str(uuid4()),
                "X-HTTP-Method-Override": "GET",
                "CF-Connecting-IP": f"203.0.113.{number}",
            }
            answer = await client.post(f"{API}/auth/register/email", json={}, headers=lies)
            found[answer.status_code] += 1

    assert found == {422: 20, 429: 3}


def test_G14_uvicorn_does_not_read_proxy_headers(services: Services, limited: FastAPI) -> None:
    assert make_server(limited, services.settings).config.proxy_headers is False


async def test_G14_the_forwarded_address_of_a_trusted_proxy_is_counted(limited: FastAPI) -> None:
    async with client_of(limited, "10.1.2.3") as proxy:
        one = {"X-Forwarded-For": "6.6.6.6, 203.0.113.1, 10.0.0.9"}
        other = {"X-Forwarded-For": "6.6.6.6, 203.0.113.2, 10.0.0.9"}
        found = await statuses(proxy, 21, "POST", "/auth/register/email", json={}, headers=one)
        second = await statuses(proxy, 1, "POST", "/auth/register/email", json={}, headers=other)

    assert (found, second) == ({422: 20, 429: 1}, {422: 1})


async def test_T15_without_the_database_logins_are_refused_and_the_catalog_is_served(services: Services) -> None:
    app = app_of(services, db.connect("postgresql://market@127.0.0.1:1/market"))
    async with client_of(app) as client:
        login = await client.post(LOGIN, json=WRONG)
        catalog = await client.get(f"{API}/products")
        probes = [(await client.get(path)).status_code for path in ("/livez", "/readyz")]

    assert (login.status_code, login.json()["type"]) == (503, "/problems/service-unavailable")
    assert int(login.headers["retry-after"]) >= 1
    assert catalog.status_code == 200
    assert probes == [200, 200]


async def test_T15_metrics_count_logins_by_outcome(limited: FastAPI, services: Services, buyer: Person) -> None:
    async with client_of(limited) as client:
        await client.post(LOGIN, json=WRONG)
        await client.post(LOGIN, json={"email": buyer.email, "password": PASSWORD})
        await statuses(client, 30, "POST", "/auth/login/email", json={})
        text = (await client.get("/metrics")).text

    assert 'logins_total{outcome="failed"} 1.0' in text
    assert 'logins_total{outcome="succeeded"} 1.0' in text
    assert 'logins_total{outcome="limited"} 2.0' in text
    assert "login_alarms_total 0.0" in text
