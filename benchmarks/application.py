"""The application as in production (`python -m workers --with-api`), and the driver of the cases saga, floor and hot.

The driver starts workflows inside the worker's process on the worker's client: the API of such a process does the same,
and eager starts require it. So the three cases share process, connection and worker settings, include the driver's own
cost, and differ only in the workflow. All wait for the workflow's result.
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
from benchmarks.process import serve_rounds
from benchmarks.saga import Sagas
from services import logs
from services.bootstrap import Services, open_services
from services.settings import Settings
from workers.serving import keep_background_work, make_worker
from workflows.client import connect
from workflows.order_commands import OrderCommands


def run(connection: Connection) -> None:
    """Serve until the connection is closed: receive the shop, then measure the rounds that are requested."""
    settings = Settings()
    logs.set_up()
    uvloop.run(_serve(connection, settings))


async def _serve(connection: Connection, settings: Settings) -> None:
    client = await connect(settings)
    with open_services(settings) as services:
        services.pg_listener.start()
        async with _working(client, services), _answering(services, OrderCommands(client, eager=True)):
            shop = await asyncio.to_thread(connection.recv)
            sagas = Sagas(services, client, shop)
            await serve_rounds(connection, partial(_measure, client, sagas))


async def _measure(client: Client, sagas: Sagas, wanted: Round) -> Done:
    if wanted.case is Case.FLOOR:
        return await keep_in_flight(lambda _: run_floor(client), wanted.in_flight, wanted.seconds)
    return await keep_in_flight(partial(sagas.run, wanted), wanted.in_flight, wanted.seconds)


@asynccontextmanager
async def _working(client: Client, services: Services) -> AsyncIterator[None]:
    with ThreadPoolExecutor(services.settings.worker_threads, thread_name_prefix="step") as executor:
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
