"""What a visitor does on the pages, for tests in a browser."""

from __future__ import annotations

import itertools

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.visitor import PASSWORD

#: Opens every action of a page.
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
_NUMBERS = itertools.count(1)


def register(page: Page) -> str:
    """Register with an e-mail address and return to the basket; returns the address."""
    email = f"visitor-{next(_NUMBERS)}@example.com"
    page.goto("/register?next=/basket")
    page.get_by_label("First name").fill("Anna")
    page.get_by_label("Last name").fill("Petrova")
    page.get_by_label("E-mail address or phone").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page).to_have_url("/basket")
    return email


def fill_basket(page: Page, product_id: str, quantity: int = 1) -> None:
    """Put a product into the basket by its page."""
    page.goto(f"/products/{product_id}")
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Add to basket").click()
    expect(page).to_have_url("/basket")


def order(page: Page, method: str) -> str:
    """Fill in the form of the order and send it; returns the order's id. `method`: the value of the radio button."""
    page.get_by_label("Region").fill("Moscow")
    page.get_by_label("City").fill("Moscow")
    page.get_by_label("Street").fill("1 Gift Street")
    choice = page.locator(f'input[name="method"][value="{method}"]')
    group = page.locator("details", has=choice)
    if group.count() and not choice.is_visible():
        group.locator("summary").click()
    choice.check()
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_url("**/orders/*")
    return page.url.rpartition("/")[2]


def buy(page: Page, product_id: str, method: str) -> str:
    """Register and order one unit of a product; returns the order's id."""
    fill_basket(page, product_id)
    register(page)
    return order(page, method)


def wait_for(page: Page, sentence: str, *, script: bool = True) -> None:
    """Wait until the order's page says so: by itself, and without script by opening it again."""
    shown = page.locator("#sentence")
    for _ in range(60):
        if sentence in shown.inner_text():
            return
        page.wait_for_timeout(250)
        if not script:
            page.reload()
    raise AssertionError(f"{sentence!r} did not appear: {shown.inner_text()!r}")


#: Words that are on two lines, and cells of a narrow table whose label takes several lines.
_BROKEN = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const broken = [];
  while (texts.nextNode()) {
    for (const word of texts.currentNode.data.matchAll(/(?<![^\\s(])\\p{L}{2,24}(?![^\\s.,:;!?)])/gu)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((at) => Math.round(at.top))).size > 1) broken.push(word[0]);
    }
  }
  const cells = [...document.querySelectorAll("td[data-label]:has(input)")];
  return broken.concat(cells.filter((cell) => cell.offsetHeight > 60).map((cell) => cell.dataset.label));
}"""


def assert_accessible(page: Page) -> None:
    """axe finds nothing, nothing is wider than the window, and no word is broken."""
    found = Axe().run(page).response["violations"]
    wrong = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
    assert wrong == [], f"{page.url}: {wrong}"
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1], f"{page.url}: {width[0]} px wide"
    broken = page.evaluate(_BROKEN)
    assert broken == [], f"{page.url}: {broken}"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on the control with this label or text."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const at = document.activeElement;"
            " return (at.labels && at.labels[0] ? at.labels[0].innerText : at.innerText) || ''; }"
        )
        if focused.startswith(name):
            return
    raise AssertionError(f"Tab does not reach {name!r}")
