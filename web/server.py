"""The HTTP server of the pages: after SIGTERM it reports unready and serves for DRAIN_SECONDS before it closes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import uvicorn

from web.app import create_app
from web.security import Guard
from web.settings import WebSettings

#: Seconds that running requests get once the listener is closed.
CLOSES_WITHIN = 5


class Server(uvicorn.Server):
    """uvicorn with a shutdown in two steps."""

    def __init__(self, config: uvicorn.Config, pages: Guard, drain_seconds: float) -> None:
        super().__init__(config)
        self._pages, self._drain_seconds = pages, drain_seconds

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
    """A server for `WEB_HOST:WEB_PORT`: `run()` serves until SIGTERM."""
    pages = create_app(settings)
    config = uvicorn.Config(
        pages,
        host=settings.web_host,
        port=settings.web_port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=CLOSES_WITHIN,
        limit_concurrency=2000,
    )
    return Server(config, pages, settings.draining_seconds)
