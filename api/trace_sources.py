"""Whose traces a request may continue: those of the pages, and never one that a client has chosen."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.requests.client_address import TrustedProxies
from services import tracing


class TraceSources:
    """ASGI middleware around the whole application, where tracing is on.

    `traceparent` of a peer in TRACE_SOURCES is continued. That of every other one is ignored: it could choose the trace
    of somebody else's order, and have each of its requests recorded.
    """

    def __init__(self, app: ASGIApp, networks: str) -> None:
        """`networks`: comma-separated, as in TRACE_SOURCES. Raises ValueError."""
        self._app = app
        self._sources = TrustedProxies(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say which trace the request may continue, and process it."""
        if scope["type"] == "http":
            tracing.accept(self._parent(scope))
        await self._app(scope, receive, send)

    def _parent(self, scope: Scope) -> str:
        given = Headers(scope=scope).getlist("traceparent")
        client: tuple[str, int] | None = scope.get("client")
        return given[0] if len(given) == 1 and client is not None and self._sources.trusts(client[0]) else ""
