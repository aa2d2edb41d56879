"""What a worker without the API says of itself on METRICS_PORT."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter

from api.ops.database_check import DatabaseCheck
from sandbox.ports import free_port
from sandbox.temporal import TemporalServer
from services import db
from services.bootstrap import Services
from workers.health import WorkerHealth, WorkerStatus
from workers.serving import make_worker
from workflows.client import connect


def client(services: Services, status: WorkerStatus, registry: CollectorRegistry | None = None) -> httpx2.AsyncClient:
    app = WorkerHealth(DatabaseCheck(services), status, registry or CollectorRegistry()).app()
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://worker")


@asynccontextmanager
async def working(services: Services, temporal: TemporalServer) -> AsyncIterator[WorkerStatus]:
    """A worker that runs during the block, and stops after it."""
    settings = services.settings.model_copy(update={"temporal_address": temporal.address})
    services = replace(services, settings=settings)
    status = WorkerStatus(await connect(settings))
    assert status.client is not None
    with ThreadPoolExecutor(settings.worker_threads) as executor:
        async with make_worker(status.client, services, executor=executor) as status.worker:
            yield status


async def test_a_worker_that_waits_for_temporal_is_alive_and_not_ready(services: Services) -> None:
    async with client(services, WorkerStatus()) as http:
        alive, ready = await http.get("/livez"), await http.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (503, {"status": "unready", "database": "ready", "temporal": "away"})


async def test_a_worker_is_ready_while_it_runs_and_not_alive_once_it_has_stopped(
    services: Services, temporal: TemporalServer
) -> None:
    async with working(services, temporal) as status, client(services, status) as http:
        assert (await http.get("/livez")).status_code == 200
        while not (status.worker and status.worker.is_running):
            await http.get("/readyz")
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["temporal"]) == (200, "ready")
    async with client(services, status) as http:
        alive = await http.get("/livez")
    assert (alive.status_code, alive.json()) == (503, {"status": "broken"})


async def test_a_worker_whose_temporal_or_database_is_away_is_alive_and_not_ready(services: Services) -> None:
    nowhere = replace(services, database=db.connect("postgresql://market@127.0.0.1:1/market"))
    with TemporalServer(None, free_port(), None) as temporal:
        async with working(services, temporal) as status, client(nowhere, status) as http:
            while (ready := await http.get("/readyz")).json()["temporal"] == "away":
                assert ready.status_code == 503
            assert ready.json() == {"status": "unready", "database": "away", "temporal": "ready"}
            temporal.kill()
            assert (await http.get("/readyz")).json()["temporal"] == "away"
            assert (await http.get("/livez")).status_code == 200


async def test_metrics_are_served_in_the_text_format(services: Services) -> None:
    registry = CollectorRegistry()
    Counter("orders_ended", "Orders that ended", registry=registry).inc()
    async with client(services, WorkerStatus(), registry) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "orders_ended_total 1.0" in answer.text


@pytest.mark.parametrize("path", ["/", "/docs", "/api/v1/orders"])
async def test_nothing_else_is_served(services: Services, path: str) -> None:
    async with client(services, WorkerStatus()) as http:
        assert (await http.get(path)).status_code == 404
