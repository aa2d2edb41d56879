"""The renewal of a session: no page loses it, and only the API's word that it has ended signs the visitor out."""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from services.bootstrap import Services
from services.orders.status import CancelReason
from tests.api.shop import a_product, undo
from tests.web.test_shop import order_of
from tests.web.visitor import ORIGIN, SAME_ORIGIN, Visitor
from web.app import create_app
from web.security import Guard
from web.sessions import Session, SessionCookies
from web.settings import WebSettings

ENDED = Session("h.e30.s", "refresh", 0)


def age(visitor: Visitor, settings: WebSettings) -> Session:
    """Let the access token of the visitor's cookie be at its end; returns that session."""
    cookies = SessionCookies(settings.web_secret)
    session = cookies.read(visitor.http.cookies["session"])
    assert session is not None
    visitor.http.cookies.set("session", cookies.write(replace(session, expires=time.time())), domain="127.0.0.1")
    return session


async def test_T255_the_stream_of_an_order_gives_the_browser_its_renewed_session(
    visitor: Visitor, services: Services, web_settings: WebSettings
) -> None:
    await visitor.register()
    order_id: UUID = order_of(await visitor.order(str(a_product(services)), method=""))
    undo(services, order_id, CancelReason.PAYMENT_EXPIRED)  # so that the stream ends
    before = age(visitor, web_settings)

    answer = await visitor.http.get(f"/orders/{order_id}/live")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert b"event: state" in answer.content
    kept = SessionCookies(web_settings.web_secret).read(answer.cookies.get("session"))
    assert kept is not None
    assert kept.refresh_token != before.refresh_token
    # Later, when the token before is a used one that would end the session:
    spent = "UPDATE identity.tokens SET spent_at = spent_at - interval '1 hour' WHERE spent_at IS NOT NULL"
    assert services.database.execute(spent) == 1
    assert (await visitor.http.get("/orders")).status_code == 200


async def test_T255_a_sign_out_after_the_session_has_ended_is_a_sign_out(
    visitor: Visitor, services: Services, web_settings: WebSettings
) -> None:
    await visitor.register()
    services.sign_in.logout(age(visitor, web_settings).refresh_token)
    answer = await visitor.send("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert 'session=""' in answer.headers["set-cookie"]


class Api:
    """An API that refuses to renew a session."""

    def __init__(self, status: int, slug: str) -> None:
        self.status, self.slug, self.refreshed = status, slug, list[Request]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if scope["path"] == "/api/v1/auth/refresh":
            self.refreshed.append(request)
            problem = {"type": f"/problems/{self.slug}", "status": self.status}
            await JSONResponse(problem, self.status)(scope, receive, send)
        else:
            await JSONResponse({"items": [], "nextCursor": None})(scope, receive, send)


def pages_of(api: Api) -> Guard:
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url="http://market")
    return create_app(WebSettings(app_env="development", web_url=ORIGIN, web_secret="s" * 32), http)


@pytest.mark.parametrize(
    ("status", "slug", "shown", "ends"),
    [
        (429, "rate-limited", 429, False),
        (503, "service-unavailable", 503, False),
        (500, "internal-error", 500, False),
        (401, "invalid-token", 200, True),
    ],
)
async def test_T255_only_the_end_of_the_session_signs_the_visitor_out(
    status: int, slug: str, shown: int, ends: bool
) -> None:
    api = Api(status, slug)
    pages = pages_of(api)
    cookie = {"session": SessionCookies("s" * 32).write(ENDED)}
    async with (
        pages.app.router.lifespan_context(pages.app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(pages), base_url=ORIGIN, cookies=cookie) as client,
    ):
        answer = await client.get("/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.status_code == shown
    assert ('session=""' in answer.headers.get("set-cookie", "")) is ends
    (request,) = api.refreshed
    # Counted at the visitor's address, and repeatable for a minute when its answer is lost.
    assert request.headers["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert len(request.headers["idempotency-key"]) > 0


@pytest.mark.parametrize("path", ["/basket/add", "/sign-in"])
async def test_T256_text_that_no_header_can_hold_is_no_error(visitor: Visitor, path: str) -> None:
    email = await visitor.register()
    await visitor.send("/sign-out")
    fields = {"product": "ключ", "identifier": email, "password": "correct horse battery staple 42"}
    agent = "Магазин/1.0 (Android) "
    headers = [(name.encode(), value.encode()) for name, value in {**SAME_ORIGIN, "User-Agent": agent}.items()]
    answer = await visitor.http.post(path, data=fields, headers=headers)
    assert answer.status_code == 303


async def test_T256_a_form_without_a_key_of_the_pages_gets_one(visitor: Visitor, services: Services) -> None:
    await visitor.register()
    order_of(await visitor.order(str(a_product(services)), method="", key="ключ"))
