"""The application as it runs in production (`python -m workers --with-api`), and the driver of saga, floor and hot.

All three are started inside the process that works on them, on its one client: that is how the API of such a process
starts orders, and the only way in which starts are eager. So saga, hot and floor share one process, one connection and
the same worker settings, and differ by what a workflow does; what the driver itself costs is in the figures of all
three alike. How an end is learned is the same as well: by waiting for the workflow's result.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from multiprocessing.connection import Connection

import uvloop
from temporalio.client import Client

from api.app import create_app
from api.server import make_server
from benchmarks.floor import floor_worker, run_floor
from benchmarks.load import keep_in_flight
from benchmarks.plan import Case, Done, Round
from benchmarks.process import answer
from benchmarks.saga import Sagas
from services import logs
from services.bootstrap import Services, open_services
from services.settings import Settings
from workers.serving import THREADS, keep_background_work, make_worker
from workflows.client import connect
from workflows.order_commands import OrderCommands


def run(orders: Connection) -> None:
    """Serve until the other end hangs up: first it sends the shop, then rounds."""
    settings = Settings()
    logs.set_up()
    uvloop.run(_serve(orders, settings))


async def _serve(orders: Connection, settings: Settings) -> None:
    client = await connect(settings)
    with open_services(settings) as services:
        services.wakeups.start()
        async with _working(client, services), _answering(services, OrderCommands(client, eager=True)):
            shop = await asyncio.to_thread(orders.recv)
            sagas = Sagas(services, client, shop)
            await answer(orders, partial(_measure, client, sagas))


async def _measure(client: Client, sagas: Sagas, wanted: Round) -> Done:
    if wanted.case is Case.FLOOR:
        return await keep_in_flight(lambda _: run_floor(client), wanted.in_flight, wanted.seconds)
    return await keep_in_flight(partial(sagas.run, wanted.case), wanted.in_flight, wanted.seconds)


@asynccontextmanager
async def _working(client: Client, services: Services) -> AsyncIterator[None]:
    with ThreadPoolExecutor(THREADS, thread_name_prefix="step") as executor:
        worker = make_worker(client, services, executor=executor)
        async with worker, floor_worker(worker):
            background = asyncio.create_task(keep_background_work(client))
            try:
                yield
            finally:
                background.cancel()


@asynccontextmanager
async def _answering(services: Services, starter: OrderCommands) -> AsyncIterator[None]:
    server = make_server(create_app(services, starter), services.settings)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving
