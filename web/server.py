"""The HTTP server of the pages: after SIGTERM it reports unready and serves for DRAIN_SECONDS before it closes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import httpx2
import structlog
import uvicorn
from starlette.types import ASGIApp

from web.api_client import open_http
from web.app import create_app, routes_of
from web.metrics import MeasuredTransport, PageMetrics
from web.security import Guard
from web.settings import WebSettings
from web.tracing import TracedTransport

#: Seconds that running requests get once the listener is closed.
CLOSES_WITHIN = 5


class Internal(uvicorn.Server):
    """The listener of METRICS_PORT, which leaves the signals to that of the pages."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers."""
        yield


class Server(uvicorn.Server):
    """uvicorn with a shutdown in two steps, and a second listener if METRICS_PORT is set."""

    def __init__(
        self, config: uvicorn.Config, pages: Guard, drain_seconds: float, internal: Internal | None = None
    ) -> None:
        super().__init__(config)
        self._pages, self._drain_seconds, self._internal = pages, drain_seconds, internal
        self._beside: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, also on METRICS_PORT if it is set."""
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
            structlog.get_logger("web").critical("metrics_listener.ended", error=type(error).__name__)
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the connections of visitors, then the other listener."""
        await super().shutdown(sockets)
        if self._internal is not None and self._beside is not None:
            self._internal.should_exit, self._internal.force_exit = True, self.force_exit
            await self._beside

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Begin the shutdown at SIGTERM or SIGINT, and end at once at a second one."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        """Report unready, serve for DRAIN_SECONDS, then shut down; a second call ends it at once."""
        if self._pages.shutting_down:
            self.should_exit = self.force_exit = True
            for connection in list(self.server_state.connections):
                if connection.transport is not None:
                    connection.transport.abort()
        else:
            self._pages.shutting_down = True
            asyncio.get_running_loop().call_later(self._drain_seconds, setattr, self, "should_exit", True)


def make_server(settings: WebSettings) -> Server:
    """A server for `WEB_HOST:WEB_PORT`, and METRICS_PORT if it is set: `run()` serves until SIGTERM."""
    metrics = PageMetrics()

    def around(connections: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        traced = TracedTransport(connections) if settings.otel_exporter_otlp_endpoint else connections
        return MeasuredTransport(traced, metrics)

    pages = create_app(settings, open_http(settings.api_url, around))
    metrics.expect(routes_of(pages.app))
    config = _config(metrics.around(pages), settings.web_host, settings.web_port, closes_within=CLOSES_WITHIN)
    internal = None
    if settings.metrics_port:
        app = metrics.internal()
        internal = Internal(_config(app, settings.metrics_host, settings.metrics_port, closes_within=1))
    return Server(config, pages, settings.draining_seconds, internal)


def _config(app: ASGIApp, host: str, port: int, *, closes_within: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=closes_within,
        limit_concurrency=2000,
    )
