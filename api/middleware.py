"""Middleware for every request: HEAD, request id, headers, CORS, metrics, and 500 without an exception's text."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable
from time import perf_counter

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.cross_origin import CrossOrigin
from api.ops.metrics import HttpMetrics
from api.problems.problem_details import operation_of, unexpected
from services import tracing

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
# The status under which a request is counted whose client closed the connection; nginx uses the same.
_GONE = 499


class ResponseAborted(Exception):
    """The handler failed after the response had started: the server can only close the connection."""


class RequestMiddleware:
    """The outermost middleware; pure ASGI, which costs less than Starlette's base class."""

    def __init__(self, app: ASGIApp, *, metrics: HttpMetrics, hsts: bool, origins: Collection[str] = ()) -> None:
        """`origins`: whose pages may call the API from a browser (CORS_ORIGINS)."""
        self._origins = origins
        self._app = self._cross_origin(app)
        self._metrics = metrics
        self._headers = (*_SECURITY, _HSTS) if hsts else _SECURITY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one request; HEAD as GET, of which only the head is sent (RFC 9110, section 9.3.2)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        # With tracing on, the id of the trace leads from a problem or a log line to what happened.
        traced = tracing.trace_id()
        request_id = _given_id(scope["headers"]) or traced or secrets.token_hex(16)
        trace_id = traced or request_id
        scope.setdefault("state", {})["trace_id"] = trace_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        status = _GONE

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._completed(message["headers"], request_id)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            pass
        except Exception as error:  # the text may carry values: neither the client nor the server's log gets it
            refusal = unexpected(error, Request(scope))
            if status != _GONE:
                raise ResponseAborted from None
            await self._cross_origin(refusal)(scope, receive, answer)
        finally:
            self._metrics.count(operation_of(Request(scope)), status, perf_counter() - began)

    def _cross_origin(self, app: ASGIApp) -> ASGIApp:
        return CrossOrigin(app, self._origins) if self._origins else app

    def _completed(self, headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in headers}
        missing = (pair for pair in self._headers if pair[0] not in present)
        return [*headers, *missing, (b"x-request-id", request_id.encode())]


def _without_body(send: Send) -> Send:
    """Send the status and the headers of a response, and end it with them: a stream ends at once."""

    async def only_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return only_head


def _given_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The X-Request-Id of the request if it is valid."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return None
