"""`make pictures`: makes the pictures of the pages for the README and docs from a shop that is started for it."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from sandbox.layout import ROOT
from sandbox.settings import Ports, StackSettings
from sandbox.stack import Stack
from tests.journeys.shop import CHEAP_PASSWORDS
from tests.journeys.waiting import until
from tests.web.browser.conftest import CHROMIUM
from tests.web.browser.shopping import buy, fill_basket, order, register, wait_for

FOLDER = ROOT / "docs" / "pictures"
#: Bytes of a picture: a page with all of them loads at once.
LARGEST = 150 * 1024
#: A card that the provider approves, one that it answers after the buyer has cancelled, and one without refunds.
CARD, SLOW_CARD, STUCK_CARD = "card:tok_succeeds", "card:tok_answers_later", "card:tok_refund_fails_20"
#: Seconds after which an undo is stuck.
STUCK_AFTER = "5"


def main() -> None:
    """Start the shop, take the pictures, and stop it. Raises OSError without Chromium."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        env = {**CHEAP_PASSWORDS, "ATTENTION_AFTER": STUCK_AFTER}
        settings = StackSettings(Path(folder), Ports.free(), durable=False, accounts=True, env=env)
        with Stack(settings) as stack:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            _take(browser, stack)
            _take_desk(browser, stack)
            browser.close()


def _take(browser: Browser, stack: Stack) -> None:
    page = _page(browser, stack.addresses.web, 900, 760)
    page.goto("/?q=lantern")
    _save(page, "shop-goods")
    product = page.locator(".card h2 a").first.get_attribute("href")
    fill_basket(page, str(product).rpartition("/")[2], 2)
    register(page)
    order(page, CARD)
    wait_for(page, "The order is confirmed.")
    fill_basket(page, str(product).rpartition("/")[2], 3)
    order_id = order(page, SLOW_CARD)
    wait_for(page, "The payment is on its way.")
    page.get_by_role("button", name="Cancel the order").click()
    wait_for(page, "cancelled, as you asked")
    page.wait_for_timeout(3000)
    page.reload()
    ui = _page(browser, stack.addresses.temporal_ui, 1000, 1700)
    ui.goto(f"/namespaces/{stack.settings.temporal_namespace}/workflows/order-{order_id}")
    ui.get_by_text("refund_payment").first.wait_for()
    ui.wait_for_timeout(2000)
    _beside(browser, "order-cancelled-and-refunded", page.screenshot(full_page=True), ui.screenshot(full_page=True))


def _take_desk(browser: Browser, stack: Stack) -> None:
    """The desk with an order whose money the provider refuses to return."""
    buyer = _page(browser, stack.addresses.web, 900, 760)
    buyer.goto("/?q=lantern")
    product = str(buyer.locator(".card h2 a").nth(3).get_attribute("href")).rpartition("/")[2]
    buy(buyer, product, STUCK_CARD)
    buyer.get_by_role("button", name="Cancel the order").click()
    wait_for(buyer, "The order is being cancelled")
    desk = _page(browser, stack.addresses.web, 1000, 760)
    desk.goto("/desk")
    desk.get_by_role("button", name="Sign in as the operator").click()
    row = desk.locator("tbody tr a")
    until(lambda: desk.reload() is not None and row.count(), timeout=120)
    _save(desk, "desk", full_page=True)


def _page(browser: Browser, base_url: str | None, width: int, height: int) -> Page:
    return browser.new_context(base_url=base_url, viewport={"width": width, "height": height}, locale="en").new_page()


def _beside(browser: Browser, name: str, *pictures: bytes) -> None:
    """One picture of several, side by side."""
    page = _page(browser, None, 1400, 100)
    sources = [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in pictures]
    images = "".join(f'<img src="{source}" style="width:690px;border:1px solid #ccc">' for source in sources)
    page.set_content(f'<body style="margin:5px;display:flex;gap:8px;align-items:start;background:#fff">{images}')
    page.wait_for_timeout(500)
    _save(page, name, full_page=True, quality=70)


def _save(page: Page, name: str, *, full_page: bool = False, quality: int | None = None) -> None:
    """Keep a picture of the page, as JPEG when a quality (0 to 100) is given."""
    kind: Literal["jpeg", "png"] = "png" if quality is None else "jpeg"
    picture = page.screenshot(full_page=full_page, type=kind, quality=quality)
    if len(picture) > LARGEST:
        raise ValueError(f"{name} has {len(picture)} bytes: at most {LARGEST} are kept in the repository")
    (FOLDER / f"{name}.{'jpg' if quality else 'png'}").write_bytes(picture)


if __name__ == "__main__":
    main()
