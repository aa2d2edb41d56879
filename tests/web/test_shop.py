"""The shop without script, on the real API: find goods, register, order, and see the order."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest

from api.app import create_app as create_api
from services.bootstrap import Services
from services.catalog.views import ProductChange
from services.money import Money
from services.rate_limiter import RateLimiter
from tests.api.shop import a_product, confirm, pay, reserve, undo
from tests.fakes.clock import FakeClock
from tests.web.visitor import PASSWORD, Visitor
from web.app import create_app
from web.basket import MOST_PRODUCTS
from web.settings import WebSettings
from web.shop import live


def order_of(answer: httpx2.Response) -> UUID:
    """The id of the order that a form led to."""
    assert answer.status_code == 303, answer.text
    return UUID(answer.headers["Location"].removeprefix("/orders/"))


async def test_goods_are_found_by_name(visitor: Visitor, services: Services) -> None:
    a_product(services, name="Lantern")
    a_product(services, name="Parasol")
    page = await visitor.open("/?q=lantern")
    assert ("Lantern" in page, "Parasol" in page) == (True, False)
    assert "Nothing was found" in await visitor.open("/?q=umbrella")


@pytest.mark.parametrize(("stock", "text"), [(0, "Out of stock"), (1, "Only 1 left"), (6, "In stock")])
async def test_stock_in_words(visitor: Visitor, services: Services, stock: int, text: str) -> None:
    assert text in await visitor.open(f"/products/{a_product(services, stock=stock)}")


async def test_a_basket_survives_the_registration_and_becomes_an_order(visitor: Visitor, services: Services) -> None:
    product = a_product(services, price="1299.00")
    await visitor.send("/basket/add", product=str(product), quantity="2")
    assert "Sign in or register" in await visitor.open("/basket")
    await visitor.register()
    form = await visitor.order_form()
    order_id = order_of(await visitor.send("/orders", **form))
    page = await visitor.open(f"/orders/{order_id}")
    assert "RUB\u00a02,598.00" in page
    assert "The order was received." in page
    assert "The basket is empty." in await visitor.open("/basket")


async def test_the_same_form_sent_twice_is_one_order(visitor: Visitor, services: Services) -> None:
    await visitor.register()
    await visitor.send("/basket/add", product=str(a_product(services)), quantity="1")
    form = await visitor.order_form()
    answers = await asyncio.gather(*(visitor.send("/orders", **form) for _ in range(3)))
    placed = {answer.headers["Location"] for answer in answers if answer.status_code == 303}
    assert len(placed) == 1
    assert (await visitor.open("/orders")).count('href="/orders/') == 1


async def test_goods_that_are_short_are_marked(visitor: Visitor, services: Services) -> None:
    await visitor.register()
    answer = await visitor.order(str(a_product(services, stock=3)), 4)
    assert answer.status_code == 409
    assert "Only 3 available" in answer.text


async def test_a_changed_price_is_shown_and_asked_about(visitor: Visitor, services: Services) -> None:
    await visitor.register()
    product = a_product(services, price="10.00")
    await visitor.send("/basket/add", product=str(product), quantity="1")
    form = await visitor.order_form()
    services.catalog.change(product, ProductChange(price=Money.parse("12.00", "RUB")))
    answer = await visitor.send("/orders", **form)
    assert (answer.status_code, "A price has changed" in answer.text, "12.00" in answer.text) == (409, True, True)
    order_of(await visitor.send("/orders", **await visitor.order_form()))


async def test_a_wrong_value_is_named_beside_its_field_and_the_form_is_kept(
    visitor: Visitor, services: Services
) -> None:
    await visitor.register()
    answer = await visitor.order(str(a_product(services)), city="")
    assert answer.status_code == 422
    assert 'aria-describedby="e-city"' in answer.text
    assert 'value="1 Gift Street"' in answer.text


async def test_a_product_that_is_withdrawn_is_left_out(visitor: Visitor, services: Services) -> None:
    product = a_product(services)
    await visitor.send("/basket/add", product=str(product), quantity="1")
    services.catalog.change(product, ProductChange(is_active=False))
    assert "1 product is no longer for sale" in await visitor.open("/basket")


async def test_an_order_is_paid_for_later_and_confirmed(visitor: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = order_of(await visitor.order(str(a_product(services)), method=""))
    reserve(services, order_id)
    page = await visitor.open(f"/orders/{order_id}")
    assert "Pay RUB" in page
    ends = services.orders.get(order_id).window_ends
    assert re.search(rf'Pay before <time datetime="{ends:%Y-%m-%dT%H:%M:%S}[^"]*Z">[^<]+ UTC</time>, or the', page)
    assert (await visitor.send(f"/orders/{order_id}/pay", method="card:tok_succeeds")).status_code == 303
    pay(services, order_id)
    confirm(services, order_id)
    page = await visitor.open(f"/orders/{order_id}/part")
    assert ("The order is confirmed." in page, "Pay RUB" in page, "Cancel the order" in page) == (True, False, False)


async def test_an_order_is_cancelled(visitor: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = order_of(await visitor.order(str(a_product(services)), method=""))
    reserve(services, order_id)
    assert (await visitor.send(f"/orders/{order_id}/cancel")).status_code == 303
    undo(services, order_id)
    assert "cancelled, as you asked" in await visitor.open(f"/orders/{order_id}")
    answer = await visitor.send(f"/orders/{order_id}/pay", method="card:tok_succeeds")
    assert (answer.status_code, "has gone on in the meantime" in answer.text) == (409, True)


async def test_T258_beyond_the_most_streams_a_page_asks_again_later(
    visitor: Visitor, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visitor.register()
    order_id = order_of(await visitor.order(str(a_product(services)), method=""))
    undo(services, order_id)  # so that a stream ends
    monkeypatch.setattr(live, "MOST_STREAMS", 0)
    answer = await visitor.http.get(f"/orders/{order_id}/live")
    assert (answer.status_code, answer.text) == (200, "retry: 30000\nevent: state\ndata: {}\n\n")
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    for _ in range(2):  # the first one has ended, and does not count any more
        assert "cancelled" in (await visitor.http.get(f"/orders/{order_id}/live")).text


async def test_T257_a_full_basket_is_shown_again_and_again(services: Services, web_settings: WebSettings) -> None:
    settings = services.settings.model_copy(update={"rate_limit_factor": 1.0})
    limits = RateLimiter(services.database, settings.secrets_key, FakeClock.now())  # so that a slow test is as strict
    api = create_api(replace(services, settings=settings, limits=limits))
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url="http://market")
    pages = create_app(web_settings, http)
    products = [a_product(services) for _ in range(MOST_PRODUCTS)]
    async with pages.app.router.lifespan_context(pages.app), Visitor(pages) as visitor:
        for product in products:
            await visitor.send("/basket/add", product=str(product), quantity="1")
        found = [(await visitor.http.get("/basket")).status_code for _ in range(4)]
    assert found == [200] * 4


async def test_the_history_is_filtered_by_status(visitor: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = order_of(await visitor.order(str(a_product(services)), method=""))
    assert str(order_id) in await visitor.open("/orders?status=created")
    assert str(order_id) not in await visitor.open("/orders?status=confirmed")


async def test_an_order_of_somebody_else_does_not_exist(
    visitor: Visitor, stranger: Visitor, services: Services
) -> None:
    await visitor.register()
    await stranger.register()
    order_id = order_of(await visitor.order(str(a_product(services)), method=""))
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/part", f"/orders/{order_id}/live"):
        assert (await stranger.http.get(path)).status_code == 404
    for step in ("cancel", "pay"):
        assert (await stranger.send(f"/orders/{order_id}/{step}", method="card:tok_succeeds")).status_code == 404
    assert services.orders.get(order_id).status == "created"


@pytest.mark.parametrize("path", ["/orders", "/account", f"/orders/{UUID(int=1)}"])
async def test_pages_of_an_account_lead_to_the_sign_in(visitor: Visitor, path: str) -> None:
    answer = await visitor.http.get(path)
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in")


async def test_a_session_that_the_api_ended_leads_to_the_sign_in(visitor: Visitor) -> None:
    email = await visitor.register()
    kept = dict(visitor.http.cookies)
    await visitor.send("/sign-out")
    visitor.http.cookies.update(kept)
    answer = await visitor.http.get("/orders")
    assert answer.headers["Location"] == "/sign-in?next=%2Forders"
    assert 'session=""' in answer.headers["Set-Cookie"]
    answer = await visitor.send("/sign-in", identifier=email, password=PASSWORD, next="/orders")
    assert answer.headers["Location"] == "/orders"


async def test_a_wrong_password_is_explained_and_not_repeated(visitor: Visitor) -> None:
    email = await visitor.register()
    answer = await visitor.send("/sign-in", identifier=email, password="wrong horse battery")
    assert (answer.status_code, email in answer.text, "wrong horse" in answer.text) == (401, True, False)


async def test_the_language_is_chosen_and_kept(visitor: Visitor) -> None:
    await visitor.send("/language", language="ru", back="/sign-in")
    assert '<html lang="ru">' in await visitor.open("/sign-in")


async def test_a_page_that_does_not_exist(visitor: Visitor) -> None:
    answer = await visitor.http.get("/products/1")
    assert (answer.status_code, "This page does not exist" in answer.text) == (404, True)
