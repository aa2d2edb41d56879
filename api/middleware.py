"""Middleware for every request: request id, security headers, metrics, and 500 without the text of the exception."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from time import perf_counter

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.ops.metrics import HttpMetrics
from api.problems.problem_details import operation_of, unexpected

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

    def __init__(self, app: ASGIApp, *, metrics: HttpMetrics, hsts: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = (*_SECURITY, _HSTS) if hsts else _SECURITY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        trace_id = _trace_id(scope["headers"])
        scope.setdefault("state", {})["trace_id"] = trace_id
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        status = _GONE

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._completed(message["headers"], trace_id)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            pass
        except Exception as error:  # the text may carry values: neither the client nor the server's log gets it
            refusal = unexpected(error, Request(scope))
            if status != _GONE:
                raise ResponseAborted from None
            await refusal(scope, receive, answer)
        finally:
            self._metrics.count(operation_of(Request(scope)), status, perf_counter() - began)

    def _completed(self, headers: Iterable[tuple[bytes, bytes]], trace_id: str) -> list[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in headers}
        missing = (pair for pair in self._headers if pair[0] not in present)
        return [*headers, *missing, (b"x-request-id", trace_id.encode())]


def _trace_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The X-Request-Id of the request if it is valid, else a new id."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return secrets.token_hex(16)
