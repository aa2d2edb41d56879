"""Refuses what a foreign web page makes a browser send: foreign host names (DNS rebinding) and cross-site changes.

The inbox holds codes and reset links, and its addresses are known, so any page that a developer opens could reach them.
The shop's own calls and scripts send none of the headers of a browser and are not affected.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MISDIRECTED, FORBIDDEN = 421, 403


class BrowserGuard:
    """ASGI middleware; `names` are host names of this server beside those of the loopback."""

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self.app = app
        self.names = LOOPBACK_NAMES | {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or respond 421 (another host name) or 403 (a change from another site)."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_ours(headers.getlist("host")):
            return PlainTextResponse("This server has another name: use 127.0.0.1.", MISDIRECTED)
        if scope["method"] not in SAFE_METHODS and _is_cross_site(headers):
            return PlainTextResponse("Another site may not change anything here.", FORBIDDEN)
        return None

    def _is_ours(self, hosts: list[str]) -> bool:
        return len(hosts) == 1 and _host_name(hosts[0]) in self.names


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_cross_site(headers: Headers) -> bool:
    """Whether a browser says that another origin sent the request.

    Another port of the same name is `same-site`, and another origin. `none` is the person at the browser.
    """
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    # Older browsers send no Sec-Fetch-Site.
    origin = headers.get("origin")
    return origin is not None and origin.lower() not in (f"http://{host}".lower() for host in headers.getlist("host"))
