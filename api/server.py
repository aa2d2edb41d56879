"""The HTTP server: uvicorn with a limit of connections and an ordered shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Literal

import uvicorn
from anyio import to_thread
from fastapi import FastAPI

from api.ops import health
from api.protocol import BoundedProtocol
from api.state import state_of
from services.settings import Settings

#: Concurrent connections; more get 503.
MAX_CONNECTIONS = 2000


class Listener(uvicorn.Server):
    """uvicorn without signal handlers: those would raise the signal again before the process has closed anything."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers."""
        yield


class Server(Listener):
    """Shuts down in order: not ready, long polls answered, connections drained, closed."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, threads: int, internal: Listener | None = None) -> None:
        """`threads`: handlers that run at once in threads."""
        super().__init__(config)
        self._threads = threads
        self._application = app
        self._internal = internal
        self._beside: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, also on METRICS_PORT if it is set."""
        to_thread.current_default_thread_limiter().total_tokens = self._threads
        await super().startup(sockets)
        if self._internal is not None:
            self._beside = asyncio.create_task(self._internal.serve())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all long polls, then close the connections."""
        state_of(self._application).long_polling.drain()
        await super().shutdown(sockets)
        if self._internal is not None and self._beside is not None:
            self._internal.should_exit = True
            await self._beside


def make_server(app: FastAPI, settings: Settings) -> Server:
    """A server for `API_HOST:API_PORT`: `await server.serve()` runs it, `server.should_exit = True` stops it."""
    internal = None
    if settings.metrics_port is not None:
        internal = Listener(_config(health.internal(app), settings.metrics_host, settings.metrics_port, lifespan="off"))
    config = _config(app, settings.api_host, settings.api_port, lifespan="on")
    # As many threads as connections: one more would hold a request that waits for a connection.
    return Server(config, app, settings.database_pool, internal)


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
