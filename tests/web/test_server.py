"""The process of the pages does not go on without its listener of metrics."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest
from structlog.testing import capture_logs
from uvicorn import Config

from sandbox.ports import free_port
from web.server import Internal, Server, make_server
from web.settings import WebSettings


class Ends(Internal):
    """A listener of METRICS_PORT that fails once `fail` is set."""

    def __init__(self) -> None:
        super().__init__(Config(lambda: None))
        self.fail = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Until the failure."""
        await self.fail.wait()
        raise KeyError("a bug")


async def test_F93_pages_whose_listener_of_metrics_fails_end_so_that_they_are_started_again() -> None:
    made, beside = make_server(WebSettings(app_env="development", web_port=free_port())), Ends()
    server = Server(made.config, made._pages, 0, beside)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
        beside.fail.set()
        with capture_logs() as logs, pytest.raises(KeyError):
            await serving
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)
    assert [(line["event"], line["error"]) for line in logs] == [("metrics_listener.ended", "KeyError")]
