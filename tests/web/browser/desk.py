"""Fixtures of the desk in a browser: a running shop with ready accounts, and the operator who is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sandbox.settings import StackSettings
from tests.journeys.conftest import running
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from tests.web.browser.conftest import OpenPage

OpenDesk = Callable[..., Page]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The system with its pages and ready accounts; an undo is stuck after a second."""
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("desk"))
    env = {**CHEAP_PASSWORDS, "ATTENTION_AFTER": "1"}
    with running(replace(settings, pages=True, accounts=True, env=env)) as opened:
        yield opened
        assert opened.violations() == []


@pytest.fixture(scope="module")
def session() -> dict[str, Any]:
    """The cookie of the operator: signed in once, because each code of the second factor is good once."""
    return {}


@pytest.fixture
def open_desk(open_page: OpenPage, session: dict[str, Any]) -> OpenDesk:
    """Opens the desk as the ready operator."""

    def opened(**options: Any) -> Page:
        if not session:
            first = open_page(script=options.get("script", True))
            first.goto("/desk")
            first.get_by_role("button", name="Sign in as the operator").click()
            expect(first).to_have_url("/desk")
            (session["cookie"],) = [each for each in first.context.cookies() if each["name"] == "session"]
        page = open_page(**options)
        page.context.add_cookies([session["cookie"]])
        page.goto("/desk")
        expect(page).to_have_url("/desk")
        (session["cookie"],) = [each for each in page.context.cookies() if each["name"] == "session"]
        return page

    return opened
