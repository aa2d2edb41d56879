"""A buyer in a browser downloads a copy of the data and deletes the account; with and without script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.shop import Shop
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.shopping import UNFOLD, assert_accessible, fill_basket, order, register, wait_for
from tests.web.visitor import PASSWORD


def delete(page: Page) -> None:
    page.goto("/account")
    page.locator("summary", has_text="Delete my account").click()
    page.locator("#f-delete-password").fill(PASSWORD)
    page.get_by_role("button", name="Delete my account").click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_an_account_is_deleted_once_no_order_is_open(
    shop: Shop, open_page: OpenPage, tmp_path: Path, script: bool
) -> None:
    page = open_page(script=script)
    fill_basket(page, shop.product())
    email = register(page)
    order_id = order(page, "")
    page.goto("/account")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download my data").click()
    started.value.save_as(tmp_path / started.value.suggested_filename)
    copy = json.loads((tmp_path / "my-data.json").read_text())
    assert (copy["account"]["email"], [each["id"] for each in copy["orders"]]) == (email, [order_id])
    delete(page)
    expect(page.get_by_role("alert")).to_contain_text("1 order is still open")
    page.goto(f"/orders/{order_id}")
    page.get_by_role("button", name="Cancel the order").click()
    wait_for(page, "The order is cancelled, as you asked.", script=script)
    delete(page)
    expect(page).to_have_url("/sign-in?done=deleted")
    expect(page.get_by_role("status")).to_have_text("The account was deleted, and you are signed out.")
    assert [each["name"] for each in page.context.cookies() if each["name"] == "session"] == []
    assert shop.rows("SELECT 1 FROM identity.users WHERE email = %(email)s", email=email) == []
    assert shop.rows("SELECT status FROM orders.orders WHERE id = %(id)s", id=order_id) == [("cancelled",)]


@pytest.mark.parametrize(
    ("language", "width", "dark"),
    [("ru", PHONE, False), ("ru", DESKTOP, True), ("en", PHONE, True), ("en", DESKTOP, False)],
    ids=["ru-phone-light", "ru-desktop-dark", "en-phone-dark", "en-desktop-light"],
)
def test_the_page_of_the_account_is_accessible(open_page: OpenPage, language: str, width: int, dark: bool) -> None:
    page = open_page(width=width, dark=dark)
    register(page)
    page.goto("/account")
    if language == "ru":
        page.get_by_role("button", name="Русский").click()
        expect(page.get_by_role("heading", name="Профиль", exact=True)).to_be_visible()
    page.evaluate(UNFOLD)
    assert_accessible(page)
    page.locator("#f-delete-password").fill("wrong")
    page.locator("form[action='/account/delete'] button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)
