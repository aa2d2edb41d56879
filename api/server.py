"""The HTTP server: bounded, and quick to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Literal

import uvicorn
from fastapi import FastAPI

from api.ops import health
from api.protocol import BoundedProtocol
from api.state import state_of
from services.settings import Settings

#: Connections at once; beyond it 503.
MAX_CONNECTIONS = 2000


class Listener(uvicorn.Server):
    """uvicorn that leaves signals to the process: it would raise them again at its end, before anything is closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class Server(Listener):
    """Stops in order: unready, everybody who waits answered, connections drained, closed."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, internal: Listener | None = None) -> None:
        super().__init__(config)
        self._application = app
        self._internal = internal
        self._beside: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open METRICS_PORT as well, if it is set."""
        await super().startup(sockets)
        if self._internal is not None:
            self._beside = asyncio.create_task(self._internal.serve())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody wait for what this process will not see any more."""
        state_of(self._application).long_polling.drain()
        await super().shutdown(sockets)
        if self._internal is not None and self._beside is not None:
            self._internal.should_exit = True
            await self._beside


def make_server(app: FastAPI, settings: Settings) -> Server:
    """A server for `API_HOST:API_PORT`; `await it.serve()`, and set `should_exit` to stop it."""
    internal = None
    if settings.metrics_port is not None:
        internal = Listener(_config(health.internal(app), settings.metrics_host, settings.metrics_port, lifespan="off"))
    return Server(_config(app, settings.api_host, settings.api_port, lifespan="on"), app, internal)


def _config(app: FastAPI, host: str, port: int, *, lifespan: Literal["on", "off"]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        # api/requests/client_address.py reads X-Forwarded-For (TRUSTED_PROXIES); uvicorn would trust the loopback.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        limit_concurrency=MAX_CONNECTIONS,
    )
