"""The HTTP server: bounded, and quick to stop."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from api.protocol import BoundedProtocol
from services.settings import Settings

#: Connections at once; beyond it 503.
MAX_CONNECTIONS = 2000


class Server(uvicorn.Server):
    """Stops in order: unready, everybody who waits answered, connections drained, closed."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._application = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody wait for what this process will not see any more."""
        self._application.state.waiting.drain()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process: uvicorn would raise them again at its end, before anything is closed."""
        yield


def make_server(app: FastAPI, settings: Settings) -> Server:
    """A server for `API_HOST:API_PORT`; `await it.serve()`, and set `should_exit` to stop it."""
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        # Nobody is a proxy until a setting says who: X-Forwarded-For is not looked at.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        limit_concurrency=MAX_CONNECTIONS,
    )
    return Server(config, app)
