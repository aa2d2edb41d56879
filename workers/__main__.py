"""`python -m workers`: runs workflows and activities until SIGTERM, with the API in the same process if asked."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
import uvloop
from prometheus_client import CollectorRegistry
from temporalio.client import Client, Plugin

from api.app import create_app
from api.server import Listener, make_server
from api.state import state_of
from services import exhaustion
from services.bootstrap import Services
from services.parts import ALL_PARTS, Part
from services.settings import Settings
from services.startup import start
from workers.health import WorkerStatus, health_server
from workers.metrics.process import ProcessMetrics
from workers.running import run_until, serves_namespace
from workers.serving import keep_background_work, make_worker
from workflows.client import connect, tracing_plugins
from workflows.order_commands import DeferredStarter, OrderCommands
from workflows.order_retries import OrderRetries

_log = structlog.get_logger("workers")


def main() -> int:
    """Parse the arguments and serve; exit 2 when a setting is missing or wrong."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--with-api", action="store_true", help="serve the API too, on the same Temporal connection")
    arguments = parser.parse_args()
    with start("workers", ALL_PARTS if arguments.with_api else {Part.WORKERS}) as services:
        uvloop.run(serve(services, with_api=arguments.with_api))
    return 0


async def serve(services: Services, *, with_api: bool) -> None:
    """Serve until SIGTERM or SIGINT; then take no new work, and finish the running one within 10 s.

    The API goes on for DRAIN_SECONDS: the orders that it takes meanwhile are for other workers.
    """
    starter, status = DeferredStarter(), WorkerStatus()
    registry = CollectorRegistry()
    server: Listener | None = None
    if with_api:
        retries = OrderRetries(lambda: starter.commands, services.order_recovery, services.order_transitions)
        app = create_app(services, starter, retries)
        registry, server = state_of(app).metrics.registry, make_server(app, services.settings)
    elif services.settings.metrics_port:
        server = health_server(services, status, registry)
    eager = with_api and starts_eagerly(services.settings)
    plugins = tracing_plugins(services.settings, "workers")
    process = Process(services, starter, status, ProcessMetrics(registry, services), plugins, eager=eager)

    def stop() -> None:
        process.stop.set()
        if server:
            server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    services.pg_listener.start()
    parts = [process.work(), *([process.serve_http(server)] if server else [])]
    async with exhaustion.watched():
        await asyncio.gather(*parts)


def starts_eagerly(settings: Settings) -> bool:
    """Whether the worker begins the orders of its own API without asking Temporal for them.

    Not when it is versioned: Temporal would give it the order also when another build is the current one (seen with
    server 1.32), so that an old build would never be without new orders.
    """
    return settings.worker_build_id is None


@dataclass(frozen=True)
class Process:
    """The worker of this process, and its API or health listener."""

    services: Services
    starter: DeferredStarter
    status: WorkerStatus
    metrics: ProcessMetrics
    plugins: Sequence[Plugin]
    eager: bool
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self) -> None:
        """Connect to Temporal and take tasks; while it is away, or does not serve the namespace, wait and say so."""
        while client := await self._connected():
            if await self._take_tasks(client):
                break
        _log.info("worker.gone")

    async def _take_tasks(self, client: Client) -> bool:
        """Take tasks until the process stops; False when that could not begin."""
        self.status.client = client
        settings = self.services.settings
        self.starter.commands = OrderCommands(client, eager=self.eager, runbook=settings.runbook_url)
        background = asyncio.ensure_future(keep_background_work(client))
        try:
            with ThreadPoolExecutor(settings.worker_threads, thread_name_prefix="step") as executor:
                worker = make_worker(
                    client,
                    self.services,
                    executor=executor,
                    ends=self.metrics.ends,
                    build_id=settings.worker_build_id,
                )
                return await run_until(self.stop, worker, self.status)
        finally:
            background.cancel()

    async def serve_http(self, server: Listener) -> None:
        try:
            await server.serve()
        finally:
            self.stop.set()

    async def _connected(self) -> Client | None:
        """A connection to a Temporal that serves the namespace; None when the process was asked to stop before."""
        settings = self.services.settings
        while not self.stop.is_set():
            try:
                client = await connect(settings, runtime=self.metrics.runtime, plugins=self.plugins)
            except RuntimeError:
                _log.warning("worker.waiting_for_temporal", address=settings.temporal_address)
            else:
                if await serves_namespace(client):
                    return client
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), 1)
        return None


if __name__ == "__main__":
    sys.exit(main())
