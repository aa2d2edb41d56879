"""Metrics of the pages' process and the application of METRICS_PORT; labels never hold what a person sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import perf_counter

import httpx2
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.api_operations import operation_of

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST"})
# The status of a request whose client closed the connection before it had sent its form, as in the API.
_GONE = 499


class PageMetrics:
    """Counts requests of visitors and calls of the API, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        page, call = ["route", "method"], ["operation"]
        self._requests = Counter("web_requests", "Requests answered", [*page, "status"], registry=registry)
        self._seconds = Histogram(
            "web_request_seconds", "Seconds until an answer began", page, buckets=_BUCKETS, registry=registry
        )
        self._in_flight = Gauge("web_requests_in_flight", "Requests that are being answered", registry=registry)
        self._calls = Counter("web_api_calls", "Calls of the API", [*call, "status"], registry=registry)
        self._call_seconds = Histogram(
            "web_api_call_seconds", "Seconds until the API's answer began", call, buckets=_BUCKETS, registry=registry
        )

    def expect(self, pages: Iterable[tuple[str, str]]) -> None:
        """Begin the errors of these pages, by route and method, at zero, and those of requests without a route.

        A counter that appears with 1 has not increased: a rate would miss the first error of each page.
        """
        for route, method in (*pages, ("other", "GET"), ("other", "POST")):
            self._requests.labels(route, method, "5xx")

    def around(self, pages: ASGIApp) -> ASGIApp:
        """The pages, whose requests are counted; those of health checks are not."""

        async def measured(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] == "/readyz":
                await pages(scope, receive, send)
                return
            status, began, answered = 500, perf_counter(), 0.0

            async def answer(message: Message) -> None:
                nonlocal status, answered
                if message["type"] == "http.response.start":
                    status, answered = message["status"], perf_counter()
                await send(message)

            with self._in_flight.track_inprogress():
                try:
                    await pages(scope, receive, answer)
                except ClientDisconnect:
                    status = _GONE
                    raise
                finally:
                    self._count(scope, status, (answered or perf_counter()) - began)

        return measured

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # A mounted application has no route, only the path at which it is mounted.
        route = getattr(scope.get("route"), "path", scope.get("root_path") or "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(route, method, f"{status // 100}xx").inc()
        self._seconds.labels(route, method).observe(seconds)

    def count_call(self, operation: str, status: str, seconds: float) -> None:
        """Count a call of the API; status `unavailable`: it did not answer."""
        self._calls.labels(operation, status).inc()
        self._call_seconds.labels(operation).observe(seconds)

    def internal(self) -> Starlette:
        """The application of METRICS_PORT: `/livez` and `/metrics`."""
        return Starlette(routes=[Route("/livez", _livez), Route("/metrics", self._metrics)])

    async def _metrics(self, _: Request) -> Response:
        text = await asyncio.to_thread(generate_latest, self.registry)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _livez(_: Request) -> JSONResponse:
    """Answers as long as the event loop runs, which serves the pages too; checks nothing else."""
    return JSONResponse({"status": "alive"})


class MeasuredTransport(httpx2.AsyncBaseTransport):
    """Connections to the API whose calls are counted by operation and status."""

    def __init__(self, connections: httpx2.AsyncBaseTransport, metrics: PageMetrics) -> None:
        self._connections, self._metrics = connections, metrics

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, once its headers are here. Raises httpx2.TransportError when there is none."""
        operation, began = operation_of(request.method, request.url.path), perf_counter()
        try:
            answer = await self._connections.handle_async_request(request)
        except httpx2.TransportError:
            self._metrics.count_call(operation, "unavailable", perf_counter() - began)
            raise
        self._metrics.count_call(operation, str(answer.status_code), perf_counter() - began)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()
