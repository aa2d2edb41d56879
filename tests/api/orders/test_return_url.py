"""Where the payment provider's page sends the buyer back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest

from api.app import create_app
from services.bootstrap import Services
from tests.api.people import Person
from tests.api.shop import ORDERS, RUN, a_product, order, reserve

SHOP = "https://shop.example.com"
BACK = f"{SHOP}/orders/{{orderId}}?from=bank"
DEFAULT = "http://127.0.0.1:8000/return"


@pytest.fixture
async def shop(services: Services) -> AsyncIterator[httpx2.AsyncClient]:
    """The API of a shop with pages of its own."""
    settings = services.settings.model_copy(update={"shop_origins": f"{SHOP}, http://127.0.0.1:8080"})
    transport = httpx2.ASGITransport(create_app(replace(services, settings=settings)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://market") as client:
        yield client


def returns_to(services: Services, order_id: UUID) -> str:
    """Where the next payment of the order sends the buyer back."""
    return services.order_transitions.start_payment(order_id, 1).return_to(order_id, DEFAULT)


async def test_T195_the_buyer_returns_to_the_shop(shop: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    answer = await order(shop, buyer, a_product(services), card="tok_succeeds", returnUrl=BACK)
    order_id = UUID(answer.json()["orderId"])
    reserve(services, order_id)

    assert returns_to(services, order_id) == f"{SHOP}/orders/{order_id}?from=bank"


async def test_T195_without_a_url_the_buyer_returns_to_the_default(
    shop: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    answer = await order(shop, buyer, a_product(services), card="tok_succeeds", returnUrl=None)
    order_id = UUID(answer.json()["orderId"])
    reserve(services, order_id)

    assert returns_to(services, order_id) == DEFAULT


async def test_T195_a_later_method_may_have_its_own(
    shop: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    answer = await order(shop, buyer, a_product(services), returnUrl=f"{SHOP}/first")
    order_id = UUID(answer.json()["orderId"])
    reserve(services, order_id)
    body = {"card": "tok_succeeds", "returnUrl": "http://127.0.0.1:8080/second"}
    paying = await shop.post(f"{ORDERS}/{order_id}/pay", json=body, headers={**buyer.headers, "Prefer": "wait=0"})

    assert paying.status_code == 202
    assert returns_to(services, order_id) == "http://127.0.0.1:8080/second"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://shop.example.com/",
        "https://shop.example.com:8443/",
        "https://shop.example.com.evil.example/",
        "https://shop.example.com@evil.example/",
        "https://shop.example.com\\@evil.example/",
        "https://{orderId}.example.com/",
        "javascript:alert(1)",
        "//evil.example",
        "https://shop.example.com/" + "a" * 1024,
        "",
        1,
    ],
)
async def test_T195_a_buyer_is_sent_nowhere_else(
    shop: httpx2.AsyncClient, buyer: Person, services: Services, url: object
) -> None:
    placing = await order(shop, buyer, a_product(services), returnUrl=url)
    waiting = UUID((await order(shop, buyer, a_product(services))).json()["orderId"])
    services.order_transitions.claim(waiting, RUN)
    body = {"card": "tok_succeeds", "returnUrl": url}
    paying = await shop.post(f"{ORDERS}/{waiting}/pay", json=body, headers=buyer.headers)

    for answer in (placing, paying):
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation-error")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/returnUrl"]
        assert "evil" not in answer.text
    assert services.orders.get(waiting).method is None


async def test_T195_a_shop_without_origins_takes_no_url(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    answer = await order(api, buyer, a_product(services), returnUrl=BACK)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/returnUrl")


@pytest.mark.parametrize(("language", "text"), [("en", "Thank you!"), ("ru", "Спасибо!")])
async def test_T195_the_default_page_says_what_happens_next(api: httpx2.AsyncClient, language: str, text: str) -> None:
    page = await api.get("/return", headers={"Accept-Language": language})

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert text in page.text
    assert f"<html lang={language}>" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
