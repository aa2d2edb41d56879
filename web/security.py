"""What every response carries, and which requests may change something."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from web.settings import WebSettings

#: No inline script and no inline style; nothing from other origins.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_HSTS = "max-age=31536000; includeSubDomains"
_SAFE = ("GET", "HEAD")
#: Bytes of a form.
LARGEST_FORM = 64 * 1024


class Guard:
    """ASGI middleware: security headers, foreign hosts, cross-site requests, and the size of forms.

    A request that changes something must come from a page of this origin: browsers say so in `Sec-Fetch-Site`, older
    ones in `Origin`. A request with neither is refused. Once the process is `shutting_down`, it is not ready, and each
    response is the last one of its connection.
    """

    def __init__(self, app: FastAPI, settings: WebSettings) -> None:
        self.app = app
        self._settings = settings
        self._host = settings.origin.partition("://")[2].lower()
        self.shutting_down = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if self.shutting_down:
                    headers["Connection"] = "close"
                if self._settings.secure:
                    headers["Strict-Transport-Security"] = _HSTS
            await send(message)

        answer = self._readiness(scope) or self._refusal(scope, Headers(scope=scope))
        await (answer or self.app)(scope, receive, guarded)

    def _readiness(self, scope: Scope) -> PlainTextResponse | None:
        """Whether the pages can be served; the API has a /readyz of its own. A health check uses any host name."""
        if scope["path"] != "/readyz":
            return None
        return PlainTextResponse("unready", 503) if self.shutting_down else PlainTextResponse("ready")

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        if not self._is_own_host(headers.get("host", "")):
            return PlainTextResponse("This host name is not the shop's. Open the address of WEB_URL.", 421)
        if scope["method"] in _SAFE:
            return None
        if not self._is_same_origin(headers):
            return PlainTextResponse("This request did not come from a page of the shop. Open the page again.", 403)
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > LARGEST_FORM:
            return PlainTextResponse("The form is too large, or its length is missing.", 413)
        return None

    def _is_own_host(self, host: str) -> bool:
        return host.lower() == self._host or (self._settings.development and _name(host) in ("127.0.0.1", "localhost"))

    def _is_same_origin(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        origin = headers.get("origin", "").lower()
        return origin.startswith(("http://", "https://")) and self._is_own_host(origin.partition("://")[2])


def _name(host: str) -> str:
    return host.rpartition(":")[0] or host
