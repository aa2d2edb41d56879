"""An operator manages webhooks in a browser, with and without script; a receiver fails first and works later."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.shop import Shop
from tests.journeys.waiting import until
from tests.web.browser.conftest import DESKTOP, PHONE
from tests.web.browser.desk import OpenDesk, open_desk, session, shop
from tests.web.browser.shopping import UNFOLD, assert_accessible

__all__ = ["open_desk", "session", "shop"]


class Receiver(http.server.ThreadingHTTPServer):
    """Another system of the shop, on this machine; `status` is its answer."""

    status = 503

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks"


class Answer(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def unfold(page: Page, summary: str) -> Page:
    """Unfold an action unless it is open."""
    details = page.locator("details", has=page.locator("summary", has_text=summary))
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    return page


def add(page: Page, url: str) -> None:
    page.get_by_role("link", name="Webhooks", exact=True).click()
    page.get_by_label("Address").fill(url)
    page.get_by_label("Description").fill("warehouse")
    page.get_by_label("Payment received").uncheck()
    page.get_by_role("button", name="Add an endpoint").click()
    expect(page.get_by_role("status")).to_have_text("The endpoint was added.")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_failed_delivery_is_seen_and_sent_again(
    shop: Shop, open_desk: OpenDesk, receiver: Receiver, script: bool
) -> None:
    page = open_desk(script=script)
    add(page, receiver.url)
    expect(page.locator("code", has_text="whsec_")).to_have_count(1)
    page.get_by_role("link", name="All webhook endpoints").click()
    page.get_by_role("link", name=receiver.url).click()
    expect(page.locator("code", has_text="whsec_")).to_have_count(0)
    endpoint = page.url
    customer = shop.customer()
    order_id = customer.place(shop.product(), card=shop.paying("card", "succeeds"))
    customer.wait_for_end(order_id)
    page.get_by_role("link", name="Its delivery log").click()
    until(lambda: page.reload() is not None and page.get_by_text("answered 503").count() == 2)
    assert sorted(page.locator(".rows .row a").all_inner_texts()) == ["Order confirmed", "Order received"]
    receiver.status = 204
    page.get_by_role("link", name="Order confirmed").click()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status")).to_have_text("The message is being sent.")
    until(lambda: page.reload() is not None and page.locator("h1 .badge").inner_text() == "delivered")
    expect(page.locator(".timeline")).to_contain_text("The receiver answered 204.")
    expect(page.get_by_role("link", name=order_id)).to_have_attribute("href", f"/desk/orders/{order_id}")
    page.goto(endpoint)
    unfold(page, "Delete").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_have_text("The endpoint and its delivery log were deleted.")


def test_an_endpoint_is_disabled_enabled_and_gets_another_secret(open_desk: OpenDesk, receiver: Receiver) -> None:
    page = open_desk(script=False)
    add(page, receiver.url)
    first = page.locator("code", has_text="whsec_").inner_text()
    unfold(page, "Make another secret").get_by_role("button", name="Make another secret").click()
    assert page.locator("code", has_text="whsec_").inner_text() != first
    unfold(page, "Disable").get_by_role("button", name="Disable").click()
    expect(page.locator("h1 .badge")).to_have_text("disabled")
    page.get_by_role("button", name="Enable again").click()
    expect(page.locator("h1 .badge")).to_have_text("enabled")
    unfold(page, "Delete").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("There is no endpoint yet.")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "width", "dark"),
    [("ru", PHONE, False), ("ru", DESKTOP, True), ("en", PHONE, True), ("en", DESKTOP, False)],
    ids=["ru-phone-light", "ru-desktop-dark", "en-phone-dark", "en-desktop-light"],
)
def test_every_page_of_webhooks_is_accessible(
    shop: Shop, open_desk: OpenDesk, receiver: Receiver, language: str, width: int, dark: bool
) -> None:
    """By axe, at both widths, in light and dark, in both languages; with every action unfolded."""
    page = open_desk(width=width, dark=dark, language=language)
    page.goto("/desk/webhooks")
    assert_accessible(page)
    page.locator("#f-url").fill(f"{receiver.url}?{'long' * 100}")
    with page.expect_navigation():
        page.locator("form[action='/desk/webhooks'] button").click()
    assert_accessible(page)  # with the secret
    action = page.locator("form[action$=change]").get_attribute("action") or ""
    endpoint = f"/desk/webhooks/{action.split('/')[3]}"
    customer = shop.customer()
    customer.step(customer.place(shop.product()), "cancel")
    log = "/desk/webhook-deliveries"
    until(lambda: page.goto(log) is not None and page.locator(".badge.failed, .rows .row a").count() > 0)
    delivery = str(page.locator(".rows .row a").first.get_attribute("href"))
    until(lambda: page.goto(delivery) is not None and page.locator(".timeline li").count() > 0)
    for path in (endpoint, "/desk/webhooks", log, f"{log}?status=delivered", delivery):
        page.goto(path)
        page.evaluate(UNFOLD)
        assert_accessible(page)
    page.goto(endpoint)
    page.evaluate(UNFOLD)
    with page.expect_navigation():
        page.locator("form[action$=disable] button").click()
    assert_accessible(page)
    page.goto(delivery)
    assert_accessible(page)
    page.goto(endpoint)
    page.evaluate(UNFOLD)
    page.locator("form[action$=delete] button").click()
    expect(page).to_have_url("/desk/webhooks?done=delete")
