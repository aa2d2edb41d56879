"""The session cookie: only this shop writes it, and a key can be replaced."""

from __future__ import annotations

import base64
import time
from dataclasses import replace

import pytest

from services.clock import new_id
from tests.web.visitor import Visitor
from web.sessions import Session, SessionCookies
from web.settings import WebSettings

SESSION = Session("access", "refresh", time.time() + 900)
NEW, OLD = "n" * 32, "o" * 32


def test_it_is_read_as_it_was_written() -> None:
    assert SessionCookies(NEW).read(SessionCookies(NEW).write(SESSION)) == SESSION


def test_the_tokens_cannot_be_seen_in_it() -> None:
    assert "access" not in SessionCookies(NEW).write(SESSION)


@pytest.mark.parametrize("value", [None, "", "x", "gAAAAAB" + "A" * 100, SessionCookies(OLD).write(SESSION)])
def test_what_the_shop_did_not_write_is_no_session(value: str | None) -> None:
    assert SessionCookies(NEW).read(value) is None


def test_a_session_of_the_key_before_is_still_read() -> None:
    assert SessionCookies(f"{NEW},{OLD}").read(SessionCookies(OLD).write(SESSION)) == SESSION


@pytest.mark.parametrize(("left", "soon"), [(60, False), (20, True), (-5, True)])
def test_it_is_renewed_half_a_minute_before_its_end(left: float, soon: bool) -> None:
    assert Session("a", "r", time.time() + left).ends_soon is soon


def token(payload: str) -> str:
    return f"h.{base64.urlsafe_b64encode(payload.encode()).decode().rstrip('=')}.s"


@pytest.mark.parametrize(
    ("access", "role"),
    [
        (token('{"role": "operator"}'), "operator"),
        (token('{"role": "buyer", "x": 1}'), "buyer"),
        (token("{}"), ""),
        (token("[]"), ""),
        (token("no"), ""),
        ("h.%.s", ""),
        ("access", ""),
        ("", ""),
    ],
)
def test_the_role_of_a_session_is_that_of_its_token(access: str, role: str) -> None:
    assert Session(access, "r", 0).role == role


async def test_a_session_that_is_renewed_for_a_page_of_an_error_is_kept(
    visitor: Visitor, web_settings: WebSettings
) -> None:
    await visitor.register()
    cookies = SessionCookies(web_settings.web_secret)
    session = cookies.read(visitor.http.cookies["session"])
    assert session is not None
    visitor.http.cookies.set("session", cookies.write(replace(session, expires=time.time())), domain="127.0.0.1")
    answer = await visitor.http.get(f"/orders/{new_id()}")
    renewed = cookies.read(answer.cookies.get("session"))
    assert (answer.status_code, renewed is not None and renewed.refresh_token != session.refresh_token) == (404, True)
