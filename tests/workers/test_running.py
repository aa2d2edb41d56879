"""A worker that starts while Temporal answers, but not for the namespace, waits and says so (F83)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog
from prometheus_client import CollectorRegistry

from api.ops.database_check import DatabaseCheck
from sandbox.temporal import TemporalServer, prepare_namespace
from services.bootstrap import Services
from services.clock import new_id
from tests.fakes.proxy import TcpProxy
from workers.__main__ import Process
from workers.health import WorkerHealth, WorkerStatus
from workers.metrics.process import ProcessMetrics
from workers.running import run_until, serves_namespace
from workers.serving import make_worker
from workflows.client import connect
from workflows.order_commands import DeferredStarter


@asynccontextmanager
async def started(services: Services) -> AsyncIterator[Process]:
    """The worker of a process, asked to stop at the end of the block."""
    metrics = ProcessMetrics(CollectorRegistry(), services)
    process = Process(services, DeferredStarter(), WorkerStatus(), metrics, (), eager=False)
    working = asyncio.ensure_future(process.work())
    try:
        yield process
    finally:
        process.stop.set()
        await working


async def answers(health: WorkerHealth) -> tuple[int, str]:
    """The status of /livez, and what /readyz says of Temporal."""
    ready = await health.readyz(None)  # type: ignore[arg-type]  # it does not read the request
    said = bytes(ready.body).decode()
    alive = await health.livez(None)  # type: ignore[arg-type]  # neither does this one
    return alive.status_code, "ready" if '"temporal":"ready"' in said else "away"


async def test_F83_a_worker_waits_for_a_namespace_that_is_created_later(
    services: Services, temporal: TemporalServer
) -> None:
    update = {"temporal_address": temporal.address, "temporal_namespace": f"later-{new_id()}"}
    services = replace(services, settings=services.settings.model_copy(update=update))
    with structlog.testing.capture_logs() as lines:
        async with started(services) as process, asyncio.timeout(60):
            health = WorkerHealth(DatabaseCheck(services), process.status, CollectorRegistry())
            waiting = {"namespace": services.settings.temporal_namespace, "status": "NOT_FOUND"}
            while not any(waiting.items() <= line.items() for line in lines):
                await asyncio.sleep(0.05)
            assert await answers(health) == (200, "away")
            await prepare_namespace(await connect(services.settings))
            while await answers(health) != (200, "ready"):
                await asyncio.sleep(0.05)
    # It has stopped: only a new process takes tasks again.
    assert (await answers(health))[0] == 503


async def test_F83_a_worker_whose_store_goes_away_while_it_begins_is_followed_by_another(
    services: Services, temporal: TemporalServer
) -> None:
    proxy, stop, status = TcpProxy(temporal.address), asyncio.Event(), WorkerStatus()
    with proxy.running(), ThreadPoolExecutor(services.settings.worker_threads) as executor:
        settings = services.settings.model_copy(update={"temporal_address": proxy.address})
        services = replace(services, settings=settings)
        client = await connect(settings)
        with proxy.cut():
            assert not await serves_namespace(client)
            assert not await run_until(stop, make_worker(client, services, executor=executor), status)
        assert status.worker is None
        status.client = await connect(settings)
        worker = make_worker(status.client, services, executor=executor)
        running = asyncio.ensure_future(run_until(stop, worker, status))
        async with asyncio.timeout(30):
            while await status.temporal() != "ready":
                await asyncio.sleep(0.05)
        stop.set()
        assert await running
