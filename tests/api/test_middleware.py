"""Headers, errors and metrics of every response, and the pages of problems and documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI

from api.access.operations import methods_of
from api.app import create_app
from api.problems.problem_details import TYPES
from services import db
from services.bootstrap import Services
from services.catalog.service import CatalogService
from services.catalog.views import StockedProduct
from services.settings import Settings
from tests.api.people import Person
from tests.api.shop import ORDERS

#: CONTRACT, section 5.
CONTRACT = """unauthenticated, invalid-credentials, invalid-token, invalid-signature, forbidden, already-registered,
identifier-not-verified, not-found, method-not-allowed, validation-error, immutable-field, malformed-json,
unsupported-media-type, payload-too-large, rate-limited, too-many-open-orders, password-too-weak, invalid-code,
idempotency-key-reused, idempotency-in-progress, invalid-transition, out-of-stock, product-unavailable,
reservation-exists, reservation-closed, reservation-expired, payment-exists, price-changed, hold-limit,
amount-mismatch, currency-mismatch,
card-number-not-accepted, refund-exceeds-captured, payment-order-mismatch, service-unavailable, internal-error"""


def client_of(app: FastAPI, address: str = "127.0.0.1") -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app, client=(address, 123))
    return httpx2.AsyncClient(transport=transport, base_url="http://market")


async def test_G8_unknown_paths_answer_404(api: httpx2.AsyncClient) -> None:
    for path in (
        "/nope",
        "/api/v1",
        "/api/v1/",
        "/api/v2/orders",
        "/api/v1/orders/",
        "/api/v1/%00",
        "/.git/config",
    ):
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_G8_other_methods_answer_405(api: httpx2.AsyncClient, method: str) -> None:
    answer = await api.request(method, ORDERS)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert methods_of("/orders") == ["GET", "HEAD", "POST"]
    assert methods_of("/orders/{orderId}/pay") == ["POST"]


async def test_G14_headers_cannot_override_method_or_host(api: httpx2.AsyncClient, buyer: Person) -> None:
    tricks = {
        "X-HTTP-Method-Override": "DELETE",
        "X-User-Id": str(uuid4()),
        "X-Forwarded-For": "10.0.0.1",
        "X-Original-URL": "/api/v1/orders",
        "Host": "evil.example",
    }
    plain = await api.get("/api/v1/users/me", headers=buyer.headers)
    tricked = await api.get("/api/v1/users/me", headers={**buyer.headers, **tricks})

    assert plain.json() == tricked.json()
    assert "evil.example" not in str(tricked.headers)


@pytest.mark.parametrize("given", ["abc-123", "A" * 64])
async def test_a_valid_request_id_is_returned(api: httpx2.AsyncClient, given: str) -> None:
    answer = await api.get("/nope", headers={"X-Request-Id": given})

    assert (answer.headers["x-request-id"], answer.json()["traceId"]) == (given, given)


@pytest.mark.parametrize("given", ["a b", "x" * 65, "a\tb", "{}", "<x>", "\x1b[31m"])
async def test_T114_an_invalid_request_id_is_replaced(api: httpx2.AsyncClient, given: str) -> None:
    answer = await api.get("/nope", headers={"X-Request-Id": given})

    assert given not in answer.headers["x-request-id"]
    assert len(answer.headers["x-request-id"]) == 32


async def test_T76_nothing_of_the_request_is_reflected(api: httpx2.AsyncClient) -> None:
    answer = await api.get("/nope?q=canary", headers={"X-Forwarded-Host": "canary.example", "Referer": "http://canary"})

    assert "canary" not in answer.text + str(answer.headers)


async def test_HSTS_is_sent_outside_development(services: Services) -> None:
    settings = services.settings.model_copy(update={"app_env": "production"})
    async with client_of(create_app(replace(services, settings=settings))) as client:
        answer = await client.get("/livez")
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert [(await client.get(path)).status_code for path in ("/", "/guide", "/docs", "/openapi.json")] == [404] * 4
    async with client_of(create_app(services)) as client:
        assert "strict-transport-security" not in (await client.get("/livez")).headers


async def test_docs_can_be_switched_on_in_production(services: Services) -> None:
    settings = services.settings.model_copy(update={"app_env": "production", "api_docs": True})
    async with client_of(create_app(replace(services, settings=settings))) as client:
        assert (await client.get("/openapi.json")).status_code == 200


async def test_one_service_can_be_served_alone(services: Services) -> None:
    settings = services.settings.model_copy(update={"api_services": "catalog"})
    async with client_of(create_app(replace(services, settings=settings))) as client:
        statuses = [(await client.get(path)).status_code for path in ("/api/v1/products", ORDERS, "/livez")]

    assert statuses == [200, 404, 200]


def test_an_unknown_service_in_API_SERVICES_is_refused(services: Services) -> None:
    settings = services.settings.model_copy(update={"api_services": "catalog,casino"})
    with pytest.raises(ValueError, match="casino"):
        create_app(replace(services, settings=settings))


class BrokenCatalog(CatalogService):
    """Fails with a text that no response may contain."""

    def get_stocked(self, product_id: UUID, include_inactive: bool = False) -> StockedProduct:
        raise RuntimeError("canary: password is hunter2")


async def test_G10_an_unexpected_error_answers_500_without_its_text(
    services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = replace(services, catalog=BrokenCatalog(services.database))
    async with client_of(create_app(broken)) as client:
        answer = await client.get(f"/api/v1/products/{uuid4()}")

    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.json()["traceId"] == answer.headers["x-request-id"]
    logged = capfd.readouterr()
    assert "canary" not in answer.text + logged.out + logged.err
    assert "api.unexpected" in logged.out + logged.err


async def test_G9_without_the_database_503_is_answered(services: Services, buyer: Person, settings: Settings) -> None:
    nowhere = db.connect("postgresql://market@127.0.0.1:1/market")
    away = replace(services, catalog=CatalogService(nowhere), database=nowhere)
    async with client_of(create_app(away)) as client:
        answer = await client.get(f"/api/v1/products/{uuid4()}")
        ready = await client.get("/readyz")
        alive = await client.get("/livez")

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/service-unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert (ready.status_code, ready.json()["database"]) == (503, "away")
    assert alive.status_code == 200


async def test_readiness_of_a_healthy_process(api: httpx2.AsyncClient) -> None:
    answer = await api.get("/readyz")

    assert answer.json() == {"status": "ready", "database": "ready", "temporal": "unknown"}


async def test_metric_labels_contain_nothing_that_was_sent(api: httpx2.AsyncClient, buyer: Person) -> None:
    canary = uuid4()
    await api.get(f"{ORDERS}/{canary}", headers=buyer.headers)
    await api.get(f"/{canary}")
    await api.request("BREW", f"/{canary}")

    text = (await api.get("/metrics")).text

    assert 'http_requests_total{operation="GET /orders/{orderId}",status="404"}' in text
    assert 'http_requests_total{operation="other",status="404"}' in text
    assert str(canary) not in text
    assert "BREW" not in text


def test_problem_types_are_those_of_the_contract() -> None:
    assert list(TYPES) == CONTRACT.replace("\n", " ").split(", ")


async def test_every_problem_type_has_a_page(api: httpx2.AsyncClient, problem_pages: Path) -> None:
    for slug, known in TYPES.items():
        page = await api.get(f"/problems/{slug}")
        assert page.status_code == 200, slug
        assert page.headers["content-type"].startswith("text/html"), slug
        assert f"<h1>{known.title}</h1>" in page.text, slug
        assert page.text.count("<h2>") == 3, slug
        assert f"HTTP status {known.status}" in page.text, slug
        assert f"&quot;type&quot;: &quot;/problems/{slug}&quot;" in page.text, slug
        assert (problem_pages / f"{slug}.md").is_file(), slug


def test_every_page_has_a_problem_type(problem_pages: Path) -> None:
    assert {page.stem for page in problem_pages.glob("*.md")} == TYPES.keys()


@pytest.mark.parametrize("slug", ["nope", "..%2f..%2fREADME", "internal-error.md"])
async def test_an_unknown_problem_page_answers_404(api: httpx2.AsyncClient, slug: str) -> None:
    assert (await api.get(f"/problems/{slug}")).status_code == 404


async def test_swagger_ui_loads_no_external_resource(api: httpx2.AsyncClient) -> None:
    page = await api.get("/docs")

    assert "http" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "start.js"):
        assert f"/docs/{asset}" in page.text
        assert len((await api.get(f"/docs/{asset}")).content) > 100
    assert (await api.get("/docs/__init__.py")).status_code == 404
