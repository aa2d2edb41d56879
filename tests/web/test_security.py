"""Security headers, foreign hosts, and forms of other sites."""

from __future__ import annotations

from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from services.clock import new_id
from tests.web.visitor import ORIGIN, SAME_ORIGIN, Visitor
from web.app import create_app
from web.security import CONTENT_SECURITY_POLICY, LARGEST_FORM
from web.settings import WebSettings


@pytest.mark.parametrize("path", ["/", "/static/style.css", "/sign-in", "/no-such-page", f"/products/{UUID(int=1)}"])
async def test_every_response_has_the_security_headers(visitor: Visitor, path: str) -> None:
    answer = await visitor.http.get(path)
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": ORIGIN}, 303),
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, 403),
    ],
)
async def test_forms_of_other_sites_change_nothing(visitor: Visitor, headers: dict[str, str], status: int) -> None:
    answer = await visitor.http.post("/basket/add", data={"product": str(new_id())}, headers=headers)
    assert (answer.status_code, "basket" in answer.cookies) == (status, status == 303)


async def test_another_host_name_is_refused(visitor: Visitor) -> None:
    assert (await visitor.http.get("/", headers={"Host": "attacker.example"})).status_code == 421


async def test_a_health_check_needs_no_host_name_of_the_shop(visitor: Visitor) -> None:
    answer = await visitor.http.get("/readyz", headers={"Host": "10.0.0.7:8080"})
    assert (answer.status_code, answer.text) == (200, "ready")


async def test_a_large_form_is_refused(visitor: Visitor) -> None:
    assert (await visitor.send("/basket", remove="x" * LARGEST_FORM)).status_code == 413


async def test_the_sign_in_leads_to_pages_of_the_shop_only(visitor: Visitor) -> None:
    email = await visitor.register()
    for following in ("https://attacker.example/", "//attacker.example", "/\\attacker.example", "javascript:alert(1)"):
        answer = await visitor.send(
            "/sign-in", identifier=email, password="correct horse battery staple 42", next=following
        )
        assert answer.headers["Location"] == "/"


async def test_the_session_cookie_is_for_this_server_only(visitor: Visitor) -> None:
    answer = await visitor.send(
        "/register", firstName="Anna", lastName="P", identifier=f"{new_id().hex}@example.com",
        password="correct horse battery staple 42",
    )  # fmt: skip
    (cookie,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith("session=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


async def test_over_https_every_cookie_is_for_this_host_only(app: FastAPI, web_settings: WebSettings) -> None:
    secure = web_settings.model_copy(update={"web_url": "https://shop.example"})
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://market")
    guarded = create_app(secure, http)
    async with guarded.app.router.lifespan_context(guarded.app):
        transport = httpx2.ASGITransport(guarded)
        async with httpx2.AsyncClient(transport=transport, base_url="https://shop.example") as browser:
            answer = await browser.post("/language", data={"language": "ru"}, headers=SAME_ORIGIN)
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-language=ru;")
    assert "Secure" in cookie
    assert "Strict-Transport-Security" in answer.headers


async def test_signing_out_clears_what_the_browser_keeps(visitor: Visitor) -> None:
    await visitor.register()
    assert (await visitor.send("/sign-out")).headers["Clear-Site-Data"] == '"cache", "storage"'
