"""What the public sees of the health of a production system, and what METRICS_PORT shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import psycopg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.app import create_app
from api.server import make_server
from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from services import db
from services.bootstrap import Services, open_services
from services.db import Database
from tests.fakes.gateway import FakeGateway

HIDDEN = ["/docs", "/docs/start.js", "/docs/swagger-ui.css", "/openapi.json", "/metrics"]


@asynccontextmanager
async def served(services: Services, *, database: Database | None = None) -> AsyncIterator[tuple[str, str]]:
    """The addresses of a production server's two listeners."""
    public, internal = free_port(), free_port()
    settings = services.settings.model_copy(
        update={"app_env": "production", "api_port": public, "metrics_port": internal}
    )
    development = settings.model_copy(update={"app_env": "development"})
    with open_services(development, database=services.database, gateway=FakeGateway()) as own:
        server = make_server(create_app(replace(own, settings=settings, database=database or own.database)), settings)
        task = asyncio.create_task(server.serve())
        async with asyncio.timeout(10):
            while not await _answers(internal):
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{public}", f"http://127.0.0.1:{internal}"
        server.should_exit = True
        await task
    assert not await _answers(internal)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_T115_the_public_sees_no_docs_no_metrics_and_no_details(services: Services) -> None:
    async with served(services) as (public, internal), httpx2.AsyncClient() as client:
        hidden = [await client.get(public + path) for path in HIDDEN]
        ready = await client.get(f"{public}/readyz")
        detail = await client.get(f"{internal}/readyz")
        measures = await client.get(f"{internal}/metrics")

    assert {answer.status_code for answer in hidden} == {404}
    assert {answer.json()["type"] for answer in hidden} == {"/problems/not-found"}
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert detail.json() == {"status": "ready", "database": "ready", "temporal": "unknown"}
    assert 'http_requests_total{operation="GET /readyz",status="200"} 1.0' in measures.text
    assert measures.headers["x-content-type-options"] == "nosniff"


async def test_T115_the_internal_listener_serves_health_and_metrics_only(services: Services) -> None:
    async with served(services) as (_, internal), httpx2.AsyncClient() as client:
        answers = [await client.get(internal + path) for path in ("/docs", "/openapi.json", "/api/v1/products", "/")]
        alive = await client.get(f"{internal}/livez")

    assert {answer.status_code for answer in answers} == {404}
    assert alive.json() == {"status": "alive"}


async def test_T115_the_public_does_not_see_which_dependency_is_unavailable(services: Services) -> None:
    nowhere = db.connect("postgresql://market@127.0.0.1:1/market")
    async with served(services, database=nowhere) as (public, internal), httpx2.AsyncClient() as client:
        ready = await client.get(f"{public}/readyz")
        detail = await client.get(f"{internal}/readyz")

    assert (ready.status_code, ready.json()) == (503, {"status": "unready"})
    assert detail.json() == {"status": "unready", "database": "away", "temporal": "unknown"}


async def test_F72_a_process_stays_ready_when_a_later_version_migrates(
    services: Services, postgres: EmbeddedPostgres
) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS migrated_later WITH (FORCE)")
        server.execute("CREATE DATABASE migrated_later")
    with psycopg.connect(postgres.url("migrated_later"), autocommit=True) as later:
        later.execute("CREATE TABLE alembic_version AS SELECT '9001' AS version_num")
        database = db.connect(postgres.url("migrated_later"), pool_size=1)
        async with served(services, database=database) as (_, internal), httpx2.AsyncClient() as client:
            newer = await client.get(f"{internal}/readyz")
            later.execute("UPDATE alembic_version SET version_num = '0018'")
            async with asyncio.timeout(10):
                while (older := await client.get(f"{internal}/readyz")).status_code == 200:
                    await asyncio.sleep(0.1)
        database.close()

    assert newer.status_code == 200
    assert newer.json() == {"status": "ready", "database": "newer-schema", "temporal": "unknown"}
    assert older.json() == {"status": "unready", "database": "not-migrated", "temporal": "unknown"}


@pytest.mark.parametrize(
    "path", ["/api/v1/products", "/api/v1/orders", "/livez", "/readyz", "/metrics", "/problems/forbidden"]
)
async def test_T115_TRACE_is_refused(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.request("TRACE", path, headers={"X-Canary": "canary"})

    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")
    assert "TRACE" not in answer.headers["allow"]
    assert "canary" not in answer.text


async def test_probes_and_scrapes_have_no_spans(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    async with served(services) as (public, internal), httpx2.AsyncClient() as client:
        for path in ("/livez", "/readyz", "/metrics"):
            await client.get(f"{public}{path}")
            assert (await client.get(f"{internal}{path}")).status_code == 200
        await client.get(f"{public}/api/v1/products")
    assert [span.name for span in spans.get_finished_spans()] == ["GET /api/v1/products"]
