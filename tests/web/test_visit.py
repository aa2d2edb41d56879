"""What the pages tell the API of their visitor."""

from __future__ import annotations

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.web.visitor import ORIGIN
from web.app import create_app
from web.settings import WebSettings

#: What a proxy before the pages sends, and what the API gets; the visitor of these tests connects from 127.0.0.1.
PASSED_ON = {
    "": "127.0.0.1",
    "203.0.113.7": "203.0.113.7, 127.0.0.1",
    "6.6.6.6, 203.0.113.7": "6.6.6.6, 203.0.113.7, 127.0.0.1",
    "[2001:db8::7]:4711": "[2001:db8::7]:4711, 127.0.0.1",
    "6.6.6.6, unknown, 203.0.113.7": "203.0.113.7, 127.0.0.1",
    ", ".join(["6.6.6.6"] * 5000): ", ".join(["6.6.6.6"] * 10 + ["127.0.0.1"]),
}


@pytest.mark.parametrize("number", range(len(PASSED_ON)))
async def test_G14_the_api_gets_the_addresses_that_the_proxies_before_the_pages_have_seen(number: int) -> None:
    sent, expected = [*PASSED_ON.items()][number]
    found: list[str] = []

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        found.extend(Request(scope).headers.getlist("x-forwarded-for"))
        await Response(status_code=503)(scope, receive, send)

    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url="http://market")
    pages = create_app(WebSettings(app_env="development", web_url=ORIGIN), http)
    async with (
        pages.app.router.lifespan_context(pages.app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(pages), base_url=ORIGIN) as client,
    ):
        await client.get("/", headers={"X-Forwarded-For": sent} if sent else {})

    assert set(found) == {expected}
