"""The basket in a cookie: bounded, and robust against what somebody else wrote into it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.clock import new_id
from web.basket import MOST_PRODUCTS, MOST_UNITS, Basket

PRODUCT, OTHER = str(new_id()), str(new_id())


def test_it_is_read_as_it_was_written() -> None:
    basket = Basket().with_more(PRODUCT, 2).with_more(OTHER, 1).with_more(PRODUCT, 3)
    assert Basket.read(basket.write()) == basket
    assert [*basket.quantities.values()] == [5, 1]


def test_no_unit_takes_a_product_out() -> None:
    assert Basket().with_more(PRODUCT, 2).with_quantity(PRODUCT, 0).write() == ""


def test_it_is_bounded() -> None:
    basket = Basket()
    for _ in range(MOST_PRODUCTS + 1):
        basket = basket.with_more(str(new_id()), MOST_UNITS * 2)
    assert (len(basket), {*basket.quantities.values()}) == (MOST_PRODUCTS, {MOST_UNITS})
    assert len(basket.write()) < 4000
    assert Basket.read(basket.write()) == basket


def test_T256_what_is_no_id_of_a_product_is_not_taken() -> None:
    for text in ("", "ключ", "x" * 32, PRODUCT + "0", "'; DROP"):
        assert Basket().with_more(text, 1) == Basket()


@given(st.text())
def test_any_cookie_can_be_read(value: str) -> None:
    assert all(quantity > 0 for quantity in Basket.read(value).quantities.values())
