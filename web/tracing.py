"""The calls of the API as spans of the page that makes them."""

from __future__ import annotations

import httpx2

from services import tracing
from web.api_operations import operation_of


class TracedTransport(httpx2.AsyncBaseTransport):
    """Connections to the API that tell it the trace of the page; the path's template names the span."""

    def __init__(self, connections: httpx2.AsyncBaseTransport) -> None:
        self._connections = connections

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, once its headers are here. Raises httpx2.TransportError when there is none."""
        with tracing.request(request.method, request.url.host, _template(request)) as answered:
            request.headers["traceparent"] = tracing.traceparent()
            answer = await self._connections.handle_async_request(request)
            answered(answer.status_code)
            return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()


def _template(request: httpx2.Request) -> str:
    _, _, path = operation_of(request.method, request.url.path).partition(" ")
    return f"/api/v1{path}" if path else "other"
