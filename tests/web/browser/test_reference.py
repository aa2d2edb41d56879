"""Swagger UI at `/docs`: a developer registers and signs in with the examples, and places the order of the example."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.shop import Shop
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.shopping import assert_accessible


def execute(page: Page, operation_id: str, status: int) -> str:
    """Try an operation with its first example; returns the body of the answer."""
    block = page.locator(f'[id$="-{operation_id}"]')
    block.locator("button.opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response").first
    expect(answer.locator(".response-col_status")).to_contain_text(str(status), timeout=60_000)
    return answer.locator(".highlight-code").first.inner_text()


def open_reference(page: Page, shop: Shop) -> None:
    """The page draws itself by a large script, and draws itself again after each answer."""
    page.set_default_timeout(60_000)
    page.goto(f"{shop.stack.addresses.api}/docs")
    page.locator(".opblock").first.wait_for()


@pytest.mark.parametrize(("width", "dark"), [(PHONE, False), (DESKTOP, True)], ids=["phone-light", "desktop-dark"])
def test_the_pages_of_the_api_and_of_the_sandbox_are_accessible(
    shop: Shop, open_page: OpenPage, width: int, dark: bool
) -> None:
    customer = shop.customer()
    customer.wait_for_end(customer.place(shop.product(), card=shop.paying("card", "succeeds")))
    page, addresses = open_page(width=width, dark=dark), shop.stack.addresses
    for path in ("/", "/guide", "/problems", "/problems/out-of-stock"):
        page.goto(f"{addresses.api}{path}")
        assert_accessible(page)
    for path in ("/", "/ledger.html", "/scripts.html"):
        page.goto(f"{addresses.sandbox}{path}")
        assert_accessible(page)
    expect(page.get_by_text("declined: insufficient_funds").first).to_be_in_viewport()
    order_id = customer.place(shop.product(), card="tok_confirms_on_page")
    customer.wait_for_event(order_id, "payment_waiting")
    for language in ("en", "ru"):
        page = open_page(width=width, dark=dark, language=language)
        page.goto(customer.order(order_id)["payment"]["confirmationUrl"])
        assert_accessible(page)
    customer.step(order_id, "cancel")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_colours_follow_the_browser(shop: Shop, open_page: OpenPage, dark: bool) -> None:
    page = open_page(dark=dark, width=PHONE)
    open_reference(page, shop)
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (background == "rgb(28, 32, 34)") == dark
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]


def test_the_examples_register_sign_in_and_place_an_order(shop: Shop, open_page: OpenPage) -> None:
    page = open_page()
    open_reference(page, shop)
    execute(page, "registerByEmail", 201)
    execute(page, "loginByEmail", 200)
    assert '"status": "created"' in execute(page, "placeOrder", 201)
    assert '"emailVerified": false' in execute(page, "getMyProfile", 200)
