"""Which worker processes ask Temporal for work."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.errors import Unavailable
from services.settings import Settings
from tests.workflows.shop import Shop
from workflows.client import connect
from workflows.order_commands import DeferredStarter, OrderCommands


async def test_a_worker_that_polls_is_named(shop: Shop) -> None:
    assert shop.client.identity in await OrderCommands(shop.client).pollers()


@pytest.mark.parametrize("listening", [True, False], ids=["silent", "refused"])
async def test_without_temporal_the_answer_comes_soon(listening: bool) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1] if listening else 1
    async with server:
        client = await connect(Settings(app_env="development", temporal_address=f"127.0.0.1:{port}"), lazy=True)
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await OrderCommands(client).pollers()
        seconds = time.monotonic() - started
    assert seconds < 4


async def test_before_temporal_was_reached_no_worker_is_known() -> None:
    with pytest.raises(Unavailable):
        await DeferredStarter().pollers()
