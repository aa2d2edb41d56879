"""URLs to which a buyer is sent back: their origins, and what no browser may read in another way."""

from __future__ import annotations

import pytest

from services.clock import new_id
from services.return_urls import filled, origin_of, read_origins


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        ("https://SHOP.example.com:443/orders/{orderId}?from=bank#top", "https://shop.example.com"),
        ("https://shop.example.com:8443/?order={orderId}", "https://shop.example.com:8443"),
        ("http://127.0.0.1:8080/return", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_T195_the_origin_of_a_url(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example.com",
        "//shop.example.com/",
        "javascript:alert(1)//https://shop.example.com",
        "ftp://shop.example.com/",
        "https://",
        "https:///orders",
        "https://anna@shop.example.com/",
        "https://shop.example.com\\@evil.example/",
        "https://shop.example.com /",
        "https://shop.example.com/\r\nSet-Cookie: a=b",
        "https://shop.example.com/\t",
        "https://магазин.example/",
        "https://shop.example.com:port/",
        "https://shop.example.com:99999/",
        "https://{orderId}.example.com/",
        "https://shop.example.com/{other}",
        "https://[::1/",
        "https://shop.example.com/" + "a" * 1024,
    ],
)
def test_T195_what_is_no_url_of_a_shop(url: str) -> None:
    with pytest.raises(ValueError):
        origin_of(url)


def test_origins_are_read_in_their_canonical_form() -> None:
    given = "https://Shop.example.com/, https://m.example.com:443 ,,http://127.0.0.1:8080"
    assert read_origins(given) == {"https://shop.example.com", "https://m.example.com", "http://127.0.0.1:8080"}
    assert read_origins("") == frozenset()


@pytest.mark.parametrize("text", ["shop.example.com", "https://shop.example.com/a", "*", "https://a.example?b", "null"])
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(ValueError):
        read_origins(text)


def test_the_order_is_filled_in() -> None:
    order_id = new_id()
    assert filled("https://a.example/{orderId}?o={orderId}", order_id) == f"https://a.example/{order_id}?o={order_id}"
