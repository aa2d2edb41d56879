"""Signing in to the ready accounts of the sandbox with one click, and where that does not exist."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from sandbox.accounts import ACCOUNTS_FILE, BUYER, OPERATOR, prepare
from sandbox.datadir import DataDir
from services.bootstrap import Services
from tests.web.visitor import ORIGIN, Visitor
from web.app import create_app
from web.settings import WebSettings

#: Nothing listens there.
SANDBOX = "http://127.0.0.1:9"


@pytest.fixture
def accounts(services: Services, tmp_path: Path) -> Path:
    prepare(services, DataDir(tmp_path))
    return tmp_path / ACCOUNTS_FILE


@pytest.fixture
async def clicking(accounts: Path, app: FastAPI) -> AsyncIterator[Visitor]:
    """A visitor of the sandbox's pages."""
    async for visitor in visitors(app, sandbox_url=SANDBOX, sandbox_accounts=accounts):
        yield visitor


async def visitors(app: FastAPI, **settings: Any) -> AsyncIterator[Visitor]:
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://market")
    pages = create_app(WebSettings(**{"app_env": "development", "web_url": ORIGIN, **settings}), http)
    async with pages.app.router.lifespan_context(pages.app), Visitor(pages) as visitor:
        yield visitor


@pytest.mark.parametrize(
    ("who", "following", "page"),
    [
        ("buyer", "/basket", "/basket"),
        ("buyer", "/desk", "/"),
        ("operator", "/desk/search", "/desk/search"),
        ("operator", "/basket", "/desk"),
        ("operator", "//attacker.example", "/desk"),
    ],
)
async def test_one_click_signs_in(clicking: Visitor, who: str, following: str, page: str) -> None:
    assert f'value="{who}"' in await clicking.open("/sign-in")
    answer = await clicking.send("/sandbox/sign-in", who=who, next=following)
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert {"buyer": BUYER, "operator": OPERATOR}[who] in await clicking.open("/account")
    assert (await clicking.http.get("/desk")).status_code == (200 if who == "operator" else 404)


async def test_a_buyer_of_the_sandbox_who_opens_the_desk_is_led_to_the_operator(clicking: Visitor) -> None:
    await clicking.send("/sandbox/sign-in", who="buyer")
    answer = await clicking.http.get("/desk")
    assert (answer.status_code, 'name="next" value="/desk"' in answer.text) == (404, True)
    assert 'value="operator"' in answer.text
    assert "/sandbox/sign-in" not in (await clicking.http.get("/nothing")).text
    await clicking.send("/sandbox/sign-in", who="operator", next="/desk")
    missing = await clicking.http.get("/desk/nothing")
    assert (missing.status_code, "/sandbox/sign-in" in missing.text) == (404, False)


async def test_the_operator_may_click_again_though_a_code_is_good_once(clicking: Visitor, services: Services) -> None:
    services.database.execute("UPDATE identity.second_factors SET last_step = 0")
    for _ in range(3):
        answer = await clicking.send("/sandbox/sign-in", who="operator")
        assert answer.headers["Location"] == "/desk"
        await clicking.send("/sign-out")
    services.database.execute("UPDATE identity.second_factors SET last_step = last_step + 10")
    answer = await clicking.send("/sandbox/sign-in", who="operator")
    assert (answer.status_code, "Click again in half a minute" in answer.text) == (429, True)


async def test_another_start_changes_nothing(clicking: Visitor, accounts: Path, services: Services) -> None:
    before = accounts.read_text()
    await clicking.send("/sandbox/sign-in", who="operator")
    prepare(services, DataDir(accounts.parent))
    assert accounts.read_text() == before
    await clicking.open("/desk")


async def test_a_start_that_was_interrupted_is_completed(clicking: Visitor, accounts: Path, services: Services) -> None:
    folder = DataDir(accounts.parent)
    stored = folder.read(ACCOUNTS_FILE)
    folder.write(ACCOUNTS_FILE, {name: value for name, value in stored.items() if name != "operatorSecret"})
    prepare(services, folder)
    assert (await clicking.send("/sandbox/sign-in", who="operator")).headers["Location"] == "/desk"


@pytest.mark.parametrize(
    "changed",
    [
        {"sandbox_url": None},
        {"sandbox_accounts": None},
        {"web_host": "0.0.0.0"},  # noqa: S104 - it is what must be refused
        {"web_url": "http://shop.example"},
    ],
    ids=["no-sandbox", "no-accounts", "reachable-by-others", "reached-by-others"],
)
async def test_T230_the_route_exists_in_a_sandbox_of_this_machine_only(
    app: FastAPI, accounts: Path, changed: dict[str, Any]
) -> None:
    given = {"sandbox_url": SANDBOX, "sandbox_accounts": accounts, **changed}
    async for visitor in visitors(app, **given):
        for who in ("buyer", "operator"):
            assert (await visitor.send("/sandbox/sign-in", who=who)).status_code == 404
        assert "/sandbox/sign-in" not in (await visitor.http.get("/sign-in")).text
        assert "session" not in visitor.http.cookies


async def test_T230_production_has_no_such_route_and_does_not_start_with_its_accounts(
    app: FastAPI, accounts: Path
) -> None:
    production: dict[str, Any] = {"app_env": "production", "web_secret": "4be1a7c95d0f4be1a7c95d0f4be1a7c95d0f"}
    with pytest.raises(ValidationError, match="SANDBOX_ACCOUNTS is for development only"):
        WebSettings(**production, sandbox_accounts=accounts)
    async for visitor in visitors(app, **production):
        assert (await visitor.send("/sandbox/sign-in", who="operator")).status_code == 404


async def test_T230_a_page_of_another_site_signs_nobody_in(clicking: Visitor) -> None:
    answer = await clicking.http.post(
        "/sandbox/sign-in", data={"who": "operator"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert (answer.status_code, answer.cookies.get("session")) == (403, None)
