"""CORS: which pages of other origins may call the API from a browser, with bearer tokens and never with credentials."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
#: What a page may send.
REQUEST_HEADERS = (
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
)
#: What a page may read, besides what the Fetch standard always shows.
RESPONSE_HEADERS = (
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
#: Seconds that a browser remembers the answer to a preflight request; Chromium does so for at most 7200.
REMEMBERED = 7200


class CrossOrigin(CORSMiddleware):
    """Answers preflight requests of listed origins; those of other origins are answered as any OPTIONS request."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        """`origins` in the form in which browsers send them: `https://shop.example.com`."""
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            max_age=REMEMBERED,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight request, or have the application answer and add the headers."""
        if scope["type"] != "http" or self.is_allowed_origin(Headers(scope=scope).get("origin", "")):
            await super().__call__(scope, receive, send)
        else:
            await self.simple_response(scope, receive, send, request_headers=Headers(scope=scope))

    def preflight_response(self, request_headers: Headers) -> Response:
        """What may be sent, for the browser to compare; Starlette would answer 400 in plain text to what may not."""
        allowed = {"Access-Control-Allow-Origin": request_headers["origin"]}
        return Response(status_code=204, headers={**self.preflight_headers, **allowed})
