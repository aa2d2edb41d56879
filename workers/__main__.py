"""`python -m workers`: runs workflows and activities until SIGTERM, with the API in the same process if asked."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog
import uvloop
from temporalio.client import Client

from api.app import create_app
from api.server import make_server
from services.bootstrap import Services
from services.settings import Settings
from services.startup import start
from workers.serving import keep_background_work, make_worker
from workflows.client import connect
from workflows.order_commands import DeferredStarter, OrderCommands

_log = structlog.get_logger("workers")


def main() -> int:
    """Parse the arguments and serve; exit 2 when a setting is missing or wrong."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--with-api", action="store_true", help="serve the API too, on the same Temporal connection")
    arguments = parser.parse_args()
    with start("workers") as services:
        uvloop.run(serve(services, with_api=arguments.with_api))
    return 0


async def serve(services: Services, *, with_api: bool) -> None:
    """Serve until SIGTERM or SIGINT; then take no new work, and finish the running one within 10 s."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    starter = DeferredStarter()
    services.pg_listener.start()
    parts = [_work(services, stop, starter, eager=with_api)]
    if with_api:
        parts.append(_serve_api(services, starter, stop))
    await asyncio.gather(*parts)


async def _work(services: Services, stop: asyncio.Event, starter: DeferredStarter, *, eager: bool) -> None:
    client = await _connected(services.settings, stop)
    if client is None:
        return
    starter.commands = OrderCommands(client, eager=eager)
    background = asyncio.ensure_future(keep_background_work(client))
    try:
        with ThreadPoolExecutor(services.settings.worker_threads, thread_name_prefix="step") as executor:
            async with make_worker(client, services, executor=executor):
                _log.info("worker.ready")
                await stop.wait()
    finally:
        background.cancel()
    _log.info("worker.gone")


async def _connected(settings: Settings, stop: asyncio.Event) -> Client | None:
    while not stop.is_set():
        try:
            return await connect(settings)
        except RuntimeError:
            _log.warning("worker.waiting_for_temporal", address=settings.temporal_address)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
    return None


async def _serve_api(services: Services, starter: DeferredStarter, stop: asyncio.Event) -> None:
    server = make_server(create_app(services, starter), services.settings)
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stop.set()
    await serving


if __name__ == "__main__":
    sys.exit(main())
