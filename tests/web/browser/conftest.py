"""Fixtures: a running shop with its pages, and Chromium."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sandbox.settings import StackSettings
from tests.journeys.conftest import running
from tests.journeys.shop import CHEAP_PASSWORDS, Shop

#: Debian's package `chromium`.
CHROMIUM = Path(os.environ.get("CHROMIUM") or "/usr/bin/chromium")
PHONE, DESKTOP = 360, 1280

OpenPage = Callable[..., Page]
# A machine that runs the whole system and Chromium is slow at times.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The system with its pages; the final audit must find nothing."""
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("pages"))
    with running(replace(settings, pages=True, env=CHEAP_PASSWORDS)) as opened:
        yield opened
        assert opened.violations() == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: while it is open, no asynchronous test can run in this thread."""
    if not CHROMIUM.exists():
        reason = f"{CHROMIUM} does not exist: install Debian's package chromium, or set CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # A container's root cannot use Chromium's own sandbox.
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, shop: Shop) -> Iterator[OpenPage]:
    """Opens the shop's first page in a browser of its own; no page may report an error of its script or its CSP."""
    errors: list[str] = []
    contexts = []

    def opened(*, script: bool = True, width: int = DESKTOP, language: str = "en", dark: bool = False) -> Page:
        context = browser.new_context(
            base_url=shop.stack.addresses.web,
            java_script_enabled=script,
            viewport={"width": width, "height": 800},
            locale=language,
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto("/")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
