"""An operator in a browser: finds orders, settles a stuck refund, cancels and refunds; with and without script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.customers import Customer
from tests.journeys.shop import Shop
from tests.journeys.waiting import until
from tests.web.browser.conftest import DESKTOP, PHONE
from tests.web.browser.desk import OpenDesk, open_desk, session, shop
from tests.web.browser.shopping import assert_accessible, tab_to

SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
__all__ = ["open_desk", "session", "shop"]


def a_stuck_refund(shop: Shop, customer: Customer) -> str:
    """An order, cancelled before it was charged, whose money the provider refuses to return."""
    order_id = customer.place(shop.product(), card="tok_refund_fails_2")
    customer.wait_for_status(order_id, "payment_pending")
    customer.step(order_id, "cancel")
    until(lambda: shop.rows("SELECT 1 FROM orders.orders WHERE id = %(id)s AND needs_attention", id=order_id))
    return order_id


def number_of(customer: Customer, order_id: str) -> str:
    return str(customer.order(order_id)["number"])


def open_action(page: Page, summary: str) -> Page:
    """Unfold an action of the order's page."""
    page.locator("summary", has_text=summary).click()
    return page


def wait_for_status(page: Page, status: str) -> None:
    """Open the page again until the order has this status."""
    badge = page.locator("h1 .badge")
    until(lambda: page.reload() is not None and badge.inner_text() == status)


def test_what_waits_is_listed_and_found_by_number_and_address(shop: Shop, open_desk: OpenDesk) -> None:
    customer = shop.customer()
    waiting, stuck = customer.place(shop.product()), a_stuck_refund(shop, customer)
    customer.wait_for_status(waiting, "reserved")
    number = number_of(customer, stuck)
    page = open_desk()
    assert page.locator(".figures dt").all_inner_texts() == [
        *("Need attention", "Wait for payment", "Cancelling for more than a minute", "Messages waiting")
    ]
    assert page.locator(".figures dd").all_inner_texts()[:2] == ["1", "1"]
    row = page.locator("tbody tr", has_text=number)
    for words in ("RUB\u00a01,299.00", "Return the money", "refused without a reason"):
        expect(row).to_contain_text(words)
    for typed in (number, stuck):
        page.goto("/desk")
        page.get_by_label("Find an order or a buyer").fill(typed)
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"/desk/orders/{stuck}")
    page.goto("/desk")
    page.get_by_label("Find an order or a buyer").fill(customer.address)
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".rows a")).to_have_count(2)
    assert customer.address not in page.url
    settle_by_hand(page, stuck)
    customer.wait_for_end(stuck)
    customer.step(waiting, "cancel")
    customer.wait_for_end(waiting)


def settle_by_hand(page: Page, order_id: str) -> None:
    page.goto(f"/desk/orders/{order_id}")
    open_action(page, "Done by hand: Return the money").get_by_label("Reference").fill("transfer 4711")
    page.get_by_role("button", name="Done by hand").click()
    expect(page.get_by_role("status")).to_have_text("The step is recorded as done by hand.")


def write_off(page: Page, order_id: str) -> None:
    page.goto(f"/desk/orders/{order_id}")
    open_action(page, "Write off: RUB").get_by_label("type the amount 1299.00").fill("1")
    page.get_by_label("Reason", exact=True).fill("wallet is closed")
    page.get_by_role("button", name="Write off").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    open_action(page, "Write off: RUB").get_by_label("type the amount 1299.00").fill("1 299,00")
    page.get_by_label("Reason", exact=True).fill("wallet is closed")
    page.get_by_role("button", name="Write off").click()
    expect(page.get_by_role("status")).to_have_text("The amount is written off.")


@SCRIPT
@pytest.mark.parametrize(
    ("settle", "decision", "note"),
    [(settle_by_hand, "Done by hand", "transfer 4711"), (write_off, "Written off", "wallet is closed")],
    ids=["by-hand", "write-off"],
)
def test_a_stuck_refund_is_settled(
    shop: Shop, open_desk: OpenDesk, settle: Callable[[Page, str], None], decision: str, note: str, script: bool
) -> None:
    page, customer = open_desk(script=script), shop.customer()
    order_id = a_stuck_refund(shop, customer)
    page.goto(f"/desk/orders/{order_id}")
    open_action(page, "Try again now").get_by_role("button", name="Try again now").click()
    expect(page.get_by_role("status")).to_have_text("The step is being tried again.")
    settle(page, order_id)
    wait_for_status(page, "Cancelled")
    timeline = page.locator(".timeline")
    for words in (f"{decision}: Return the money", "Tried again: Return the money", note):
        expect(timeline).to_contain_text(words)
    assert page.locator(".actions").count() == 0
    assert number_of(customer, order_id) not in page.goto("/desk").text()  # type: ignore[union-attr]  # it answers


@SCRIPT
def test_an_order_is_cancelled(shop: Shop, open_desk: OpenDesk, script: bool) -> None:
    page, customer = open_desk(script=script), shop.customer()
    order_id = customer.place(shop.product())
    customer.wait_for_status(order_id, "reserved")
    page.goto(f"/desk/orders/{order_id}")
    open_action(page, "Cancel the order").get_by_label("Reason (for operators").fill("called us")
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("status")).to_have_text("The order is being cancelled.")
    wait_for_status(page, "Cancelled")
    expect(page.locator(".timeline")).to_contain_text("an operator cancelled it")


@SCRIPT
def test_a_confirmed_order_is_refunded_and_its_goods_go_back(shop: Shop, open_desk: OpenDesk, script: bool) -> None:
    page, customer, product = open_desk(script=script), shop.customer(), shop.product()
    before = shop.stock(product)
    order_id = customer.place(product, card=shop.paying("card", "succeeds"))
    customer.wait_for_end(order_id)
    page.goto(f"/desk/orders/{order_id}")
    open_action(page, "Refund up to RUB").get_by_label("Return the goods to stock").check()
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_role("status")).to_have_text("The refund is on its way.")
    until(lambda: page.reload() is not None and "Goods are back in stock" in page.locator(".timeline").inner_text())
    assert page.get_by_text("agrees", exact=True).count() == 2
    assert shop.stock(product) == before


@pytest.mark.parametrize(
    ("language", "width", "dark"),
    [("ru", PHONE, False), ("ru", DESKTOP, True), ("en", PHONE, True), ("en", DESKTOP, False)],
    ids=["ru-phone-light", "ru-desktop-dark", "en-phone-dark", "en-desktop-light"],
)
def test_every_page_of_the_desk_is_accessible(
    shop: Shop, open_desk: OpenDesk, language: str, width: int, dark: bool
) -> None:
    """By axe, at both widths, in light and dark, in both languages; with every action unfolded."""
    customer = shop.customer()
    confirmed = customer.place(shop.product(), card=shop.paying("card", "succeeds"))
    customer.wait_for_end(confirmed)
    stuck = a_stuck_refund(shop, customer)
    page = open_desk(width=width, dark=dark, language=language)
    for path in ("/desk", f"/desk/orders/{confirmed}", f"/desk/orders/{stuck}", "/account/second-factor"):
        page.goto(path)
        for summary in page.locator(".actions summary").all():
            summary.click()
        assert_accessible(page)
    page.goto("/desk")
    for typed in (customer.address, "nobody@example.com"):
        page.locator("#q").fill(typed)
        page.keyboard.press("Enter")
        expect(page).to_have_url("/desk/search")
        assert_accessible(page)
    page.goto(f"/desk/orders/{stuck}")
    page.evaluate("document.querySelectorAll('.actions details')[1].open = true")
    page.locator("#f-reference-refund_payment").fill("transfer 4711")
    page.locator("button[value=mark_done]").click()
    customer.wait_for_end(stuck)


def test_an_order_is_cancelled_with_the_keyboard_only(shop: Shop, open_desk: OpenDesk) -> None:
    page, customer = open_desk(), shop.customer()
    order_id = customer.place(shop.product())
    customer.wait_for_status(order_id, "reserved")
    tab_to(page, "Find an order or a buyer")
    page.keyboard.type(number_of(customer, order_id))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/desk/orders/{order_id}")
    tab_to(page, "Cancel the order")
    page.keyboard.press("Enter")
    tab_to(page, "Reason (for operators")
    page.keyboard.type("called us")
    tab_to(page, "Cancel the order")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The order is being cancelled.")
    customer.wait_for_end(order_id)
