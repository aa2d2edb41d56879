"""A visitor buys, is declined, confirms on the provider's page, pays again, and cancels; with and without script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.shop import Shop
from tests.journeys.waiting import until
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.shopping import assert_accessible, buy, fill_basket, order, register, tab_to, wait_for

SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])


@SCRIPT
def test_a_visitor_buys(shop: Shop, open_page: OpenPage, script: bool) -> None:
    page, product = open_page(script=script), shop.product()
    fill_basket(page, product, 2)
    email = register(page)
    order(page, f"card:{shop.paying('card', 'succeeds')}")
    wait_for(page, "The order is confirmed.", script=script)
    expect(page.locator(".stepper .done")).to_have_count(3)
    expect(page.locator(".timeline time").first).to_have_text(re.compile(r"\b(UTC|GMT)\S*$"))
    mails = until(lambda: shop.inbox(email), lambda found: len(found) >= 3)
    number = page.locator("h1").inner_text().removeprefix("Order ")
    assert any(number in mail["subject"] for mail in mails)


@SCRIPT
@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("answers_later", "The order is confirmed."),
        ("declines", "The order is cancelled: the payment was declined. Try another card or phone with a new order."),
    ],
    ids=["answers_later", "declines"],
)
def test_the_outcome_of_a_payment_is_said(
    shop: Shop, open_page: OpenPage, behaviour: str, sentence: str, script: bool
) -> None:
    page = open_page(script=script)
    buy(page, shop.product(), f"card:{shop.paying('card', behaviour)}")
    wait_for(page, sentence, script=script)
    # With script a change is announced, once; without, the page was opened again. An outcome that is there before the
    # page is opened is no change.
    if behaviour == "answers_later":
        expect(page.locator("#announcement")).to_have_text(sentence if script else "")


@SCRIPT
def test_a_visitor_confirms_on_the_page_of_the_provider_and_comes_back(
    shop: Shop, open_page: OpenPage, script: bool
) -> None:
    page = open_page(script=script)
    order_id = buy(page, shop.product(), f"card:{shop.paying('card', 'confirms_on_page')}")
    confirm = page.get_by_role("link", name="Confirm the payment")
    until(lambda: page.reload() is not None and confirm.count())
    wait_for(page, "Confirm the payment on the page of the payment provider.", script=script)
    confirm.click()
    page.get_by_role("button", name="Approve").click()
    if page.get_by_role("link", name="Back to the shop").count():
        page.get_by_role("link", name="Back to the shop").click()
    page.wait_for_url(f"**/orders/{order_id}")
    wait_for(page, "The order is confirmed.", script=script)


@SCRIPT
def test_a_visitor_pays_later(shop: Shop, open_page: OpenPage, script: bool) -> None:
    page = open_page(script=script)
    buy(page, shop.product(), "")
    wait_for(page, "The goods are reserved for you.", script=script)
    page.get_by_role("button", name="Pay RUB").click()
    wait_for(page, "The order is confirmed.", script=script)


@SCRIPT
def test_a_visitor_cancels_and_gets_the_money_back(shop: Shop, open_page: OpenPage, script: bool) -> None:
    page = open_page(script=script)
    buy(page, shop.product(), f"phone:{shop.paying('phone', 'answers_later')}")
    wait_for(page, "The payment is on its way.", script=script)
    page.get_by_role("button", name="Cancel the order").click()
    wait_for(page, "cancelled, as you asked", script=script)
    expect(page.locator("tfoot")).to_contain_text("Returned to you")


@pytest.mark.parametrize(
    ("language", "width", "dark"),
    [("ru", PHONE, False), ("ru", DESKTOP, True), ("en", PHONE, True), ("en", DESKTOP, False)],
    ids=["ru-phone-light", "ru-desktop-dark", "en-phone-dark", "en-desktop-light"],
)
def test_every_page_is_accessible(shop: Shop, open_page: OpenPage, language: str, width: int, dark: bool) -> None:
    """By axe, at both widths, in light and dark, in both languages; with the forms' errors."""
    page, customer, product = open_page(width=width, dark=dark, language=language), shop.customer(), shop.product()
    order_id = customer.place(product, card=shop.paying("card", "succeeds"))
    customer.wait_for_end(order_id)
    for path in ("/", f"/products/{product}", "/basket", "/sign-in", "/register", "/reset", "/no-such-page"):
        page.goto(path)
        assert_accessible(page)
    page.goto("/sign-in?next=/orders")
    page.locator("#f-identifier").fill(customer.address)
    page.locator("#f-password").fill("not the password")
    page.locator("main button").click()
    page.locator(".notice.bad").wait_for()
    assert_accessible(page)
    page.locator("#f-password").fill("correct horse battery staple 42")
    page.locator("main button").click()
    page.wait_for_url("**/orders")
    page.goto(f"/products/{product}")
    page.locator("main button").click()
    for path in ("/basket", "/orders", "/account", f"/orders/{order_id}"):
        page.goto(path)
        assert_accessible(page)
    assert (
        page.evaluate("new Set([...document.querySelectorAll('.stepper li')].map((step) => step.offsetTop)).size") == 1
    )


def test_a_visitor_buys_with_the_keyboard_only(shop: Shop, open_page: OpenPage) -> None:
    page = open_page()
    register(page)
    page.goto(f"/products/{shop.product()}")
    tab_to(page, "Add to basket")
    page.keyboard.press("Enter")
    page.wait_for_url("**/basket")
    for label, text in (("Region", "Moscow"), ("City", "Moscow"), ("Street", "1 Gift Street")):
        tab_to(page, label)
        page.keyboard.type(text)
    tab_to(page, "Place the order")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/*")
    wait_for(page, "The order is confirmed.")
