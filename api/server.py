"""The HTTP server: uvicorn with a limit of connections and an ordered shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Literal

import structlog
import uvicorn
from anyio import to_thread
from fastapi import FastAPI
from starlette.types import ASGIApp

from api.connection_limits import ConnectionCounts
from api.ops import health
from api.protocol import BoundedProtocol
from api.state import state_of
from api.trace_sources import TraceSources
from services.settings import Settings

#: Concurrent connections; more get 503.
MAX_CONNECTIONS = 4000
#: Seconds that running requests get once the listener is closed.
CLOSES_WITHIN = 10


class Listener(uvicorn.Server):
    """uvicorn without signal handlers: those would raise the signal again before the process has closed anything."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers."""
        yield

    def stop(self) -> None:
        """Shut down."""
        self.should_exit = True


class Server(Listener):
    """Shuts down in order: not ready, listener closed, long polls answered, connections drained, closed."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, settings: Settings, internal: Listener | None) -> None:
        super().__init__(config)
        # As many threads as connections: one more would hold a request that waits for a connection.
        self._threads = settings.database_pool
        self._drain_seconds = settings.draining_seconds
        self._application = app
        self._internal = internal
        self._beside: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, also on METRICS_PORT if it is set."""
        to_thread.current_default_thread_limiter().total_tokens = self._threads
        await super().startup(sockets)
        if self._internal is not None:
            self._beside = asyncio.create_task(self._internal.serve())
            self._beside.add_done_callback(self._ended_beside)

    def _ended_beside(self, ended: asyncio.Task[None]) -> None:
        """The other listener has ended. Not during a shutdown: end the process, so that its supervisor starts it again.

        Nothing would see any more whether it works.
        """
        if not self.should_exit:
            error = None if ended.cancelled() else ended.exception()
            structlog.get_logger(__name__).critical("metrics_listener.ended", exc_info=error)
            self.should_exit = True

    def stop(self) -> None:
        """Begin the shutdown: report unready, serve for DRAIN_SECONDS, then shut down. A second call ends it at once.

        Call it in the event loop.
        """
        shutdown = state_of(self._application).shutdown
        if shutdown.begun:
            self._end_at_once()
        else:
            shutdown.begun = True
            # A load balancer that checks /readyz sends its requests to other processes before this listener closes.
            asyncio.get_running_loop().call_later(self._drain_seconds, setattr, self, "should_exit", True)

    def _end_at_once(self) -> None:
        self.should_exit = self.force_exit = True
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self._internal is not None:
            self._internal.force_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all long polls, then close the connections."""
        state = state_of(self._application)
        state.shutdown.begun = True
        state.long_polling.drain()
        await super().shutdown(sockets)
        if self._internal is not None and self._beside is not None:
            self._internal.should_exit = True
            await self._beside


def make_server(app: FastAPI, settings: Settings) -> Server:
    """A server for `API_HOST:API_PORT`: `await server.serve()` runs it, `server.stop()` stops it."""
    internal = metrics_listener(health.internal(app), settings) if settings.metrics_port else None

    class PublicProtocol(BoundedProtocol):
        counts = ConnectionCounts(state_of(app).proxies, settings.rate_limit_factor)
        shutting_down = state_of(app).shutdown

    served = TraceSources(app, settings.trace_sources) if settings.otel_exporter_otlp_endpoint else app
    config = _config(served, settings.api_host, settings.api_port, lifespan="on", http=PublicProtocol)
    return Server(config, app, settings, internal)


def metrics_listener(app: ASGIApp, settings: Settings) -> Listener:
    """A server of `app` for `METRICS_HOST:METRICS_PORT`."""
    return Listener(_config(app, settings.metrics_host, settings.metrics_port or 0, lifespan="off"))


def _config(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    lifespan: Literal["on", "off"],
    http: type[BoundedProtocol] = BoundedProtocol,
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=http,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        # api/requests/client_address.py reads X-Forwarded-For (TRUSTED_PROXIES); uvicorn would trust the loopback.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=CLOSES_WITHIN,
        limit_concurrency=MAX_CONNECTIONS,
    )
