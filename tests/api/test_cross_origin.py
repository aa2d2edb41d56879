"""Pages of other origins: whose requests a browser allows, what they may send and read, and never with credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx2
import pytest

from api.app import create_app
from api.cross_origin import METHODS, REQUEST_HEADERS, RESPONSE_HEADERS
from services import db
from services.bootstrap import Services
from services.catalog.service import CatalogService
from tests.api.event_streams import frames
from tests.api.people import Person
from tests.api.serving import serving
from tests.api.shop import ORDERS, a_product, order, placed
from tests.api.test_middleware import BrokenCatalog, client_of

SHOP, LOCAL = "https://shop.example.com", "http://127.0.0.1:3000"
#: Origins that a comparison of parts would take for SHOP.
OTHERS = (
    "https://evil.example",
    "https://shop.example.com.evil.example",
    "https://evil-shop.example.com",
    "https://shop.example.com:8443",
    "http://shop.example.com",
    "https://SHOP.example.com",
    "https://shop.example.com/",
    f"{SHOP}, {LOCAL}",
    "null",
    "*",
    "",
)


def with_origins(services: Services) -> Services:
    return replace(services, settings=services.settings.model_copy(update={"cors_origins": f"{SHOP}, {LOCAL}"}))


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[httpx2.AsyncClient]:
    """The API that pages of SHOP and LOCAL may call."""
    async with client_of(create_app(with_origins(services))) as client:
        yield client


def asked(origin: str, method: str = "POST", headers: str = "authorization,content-type") -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


def allowed(answer: httpx2.Response) -> dict[str, str]:
    """What a response says about other origins."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [SHOP, LOCAL])
@pytest.mark.parametrize("path", [ORDERS, f"{ORDERS}/me", "/api/v1/users/me", "/api/v1/nope"])
async def test_T210_a_preflight_request_of_a_listed_origin(browser: httpx2.AsyncClient, origin: str, path: str) -> None:
    answer = await browser.options(path, headers=asked(origin))

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin
    assert set(answer.headers["access-control-allow-methods"].split(", ")) == {*METHODS}
    assert {*REQUEST_HEADERS} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("origin", OTHERS)
async def test_T210_another_origin_gets_nothing(browser: httpx2.AsyncClient, origin: str, services: Services) -> None:
    preflight = await browser.options(ORDERS, headers=asked(origin))
    read = await browser.get("/api/v1/products", headers={"Origin": origin})

    assert (preflight.status_code, preflight.json()["type"]) == (405, "/problems/method-not-allowed")
    assert read.status_code == 200
    for answer in (preflight, read):
        assert "access-control-allow-origin" not in answer.headers
        assert "Origin" in answer.headers["vary"]


async def test_T210_without_CORS_ORIGINS_no_origin_gets_anything(api: httpx2.AsyncClient) -> None:
    preflight = await api.options(ORDERS, headers=asked(SHOP))
    read = await api.get("/api/v1/products", headers={"Origin": SHOP})

    assert (preflight.status_code, allowed(preflight), allowed(read)) == (405, {}, {})


async def test_T210_every_answer_can_be_read_also_errors(
    browser: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    product = a_product(services)
    origin, signed_in = {"Origin": SHOP}, {"Origin": SHOP, **buyer.headers}
    browser.headers["origin"] = SHOP
    answers = {
        201: await order(browser, buyer, product),
        200: await browser.get(f"{ORDERS}/me", headers=signed_in),
        401: await browser.get(f"{ORDERS}/me", headers=origin),
        403: await browser.get(ORDERS, headers=signed_in),
        404: await browser.get("/api/v1/nope", headers=origin),
        405: await browser.delete(ORDERS, headers=signed_in),
        415: await browser.post(ORDERS, headers={**signed_in, "Content-Type": "text/plain"}, content=b"{}"),
        422: await browser.post(ORDERS, headers=signed_in, json={}),
    }
    seen = await browser.get(f"/api/v1/products/{product}", headers=origin)
    answers[304] = await browser.get(
        f"/api/v1/products/{product}", headers={**origin, "If-None-Match": seen.headers["etag"]}
    )
    for status, answer in answers.items():
        assert answer.status_code == status
        assert allowed(answer) == {
            "access-control-allow-origin": SHOP,
            "access-control-expose-headers": ", ".join(RESPONSE_HEADERS),
        }, status
        assert "Origin" in answer.headers["vary"], status


async def test_T210_failures_can_be_read_too(services: Services) -> None:
    nowhere = db.connect("postgresql://market@127.0.0.1:1/market")
    listed = with_origins(services)
    for catalog, status in ((BrokenCatalog(services.database), 500), (CatalogService(nowhere), 503)):
        async with client_of(create_app(replace(listed, catalog=catalog))) as client:
            answer = await client.get(f"/api/v1/products/{uuid4()}", headers={"Origin": SHOP})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, SHOP)


async def test_T210_an_answer_that_may_be_cached_depends_on_the_origin(browser: httpx2.AsyncClient) -> None:
    """A cache must not give a page the answer that another program got, which no page may read."""
    for path in ("/problems/not-found", "/.well-known/jwks.json", "/api/v1/products"):
        assert "Origin" in (await browser.get(path)).headers["vary"], path


async def test_T210_a_stream_can_be_read(services: Services, buyer: Person) -> None:
    async with serving(services, cors_origins=SHOP) as served:
        order_id = await placed(served.client, buyer, services)
        headers = {**buyer.headers, "Accept": "text/event-stream", "Origin": SHOP}
        async with served.client.stream("GET", f"{ORDERS}/{order_id}/events", headers=headers) as response:
            first = await anext(frames(response))

    assert (first.name, response.headers["access-control-allow-origin"]) == ("state", SHOP)


def test_every_header_that_operations_describe_can_be_read(services: Services) -> None:
    document = create_app(services).openapi()
    described = {
        name
        for methods in document["paths"].values()
        for operation in methods.values()
        for answer in operation["responses"].values()
        for name in answer.get("headers", {})
    }
    sent = {
        parameter["name"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation["parameters"]
        if parameter["in"] == "header" and not parameter["name"].startswith("webhook-")
    }
    # The Fetch standard always shows Cache-Control.
    assert described - {"Cache-Control"} <= {*RESPONSE_HEADERS}
    assert sent <= {*REQUEST_HEADERS}
