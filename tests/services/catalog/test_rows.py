"""One row of a product list, from CSV text or from JSON values."""

from __future__ import annotations

from typing import Any

import pytest

from services.catalog.rows import MAX_STOCK, Row, product_of, units_of
from services.catalog.views import ImportedProduct
from services.errors import Invalid
from services.money import Money

ROW = {"sku": "L-1", "name": "Lantern", "price": "1299.00", "currency": "RUB", "stock": "5"}


def product(members: dict[str, Any], currency: str | None = None) -> ImportedProduct:
    return product_of(Row("line 2", members), currency)


def test_text_and_json_values_give_the_same_product() -> None:
    text = ROW | {"sku": " L-1 ", "attributes": '{"colour": "red"}', "isActive": "FALSE"}
    values = ROW | {"price": 1299, "attributes": {"colour": "red"}, "isActive": False}

    assert product(text) == product(values)
    assert product(values).price == Money(129_900, "RUB")
    assert product(values).is_active is False
    assert product(ROW).is_active is None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"currency": "RUR"}, "/currency"),
        ({"price": "12.345"}, "/price"),
        ({"price": True}, "/price"),
        ({"price": "0"}, "/price"),
        ({"name": 5}, "/name"),
        ({"name": " "}, "/name"),
        ({"attributes": "[1]"}, "/attributes"),
        ({"attributes": "{"}, "/attributes"),
        ({"isActive": "yes"}, "/isActive"),
        ({"isActive": 1}, "/isActive"),
    ],
)
def test_an_invalid_member_is_named(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        product(ROW | changes)
    assert raised.value.pointer == pointer


def test_T181_what_a_row_does_not_have_is_none_and_what_is_empty_is_empty() -> None:
    assert product({"sku": "L-1"}) == ImportedProduct("L-1")
    empty = {"sku": "L-1", "description": "", "attributes": "", "isActive": ""}
    assert product(empty) == product({"sku": "L-1", "description": None, "attributes": None, "isActive": None})
    assert product(empty) == ImportedProduct("L-1", description="", attributes={})
    assert units_of({"sku": "L-1"}, default=None) is None
    assert units_of({"sku": "L-1"}, default=4) == 4


def test_T181_a_price_needs_a_currency_and_the_reverse() -> None:
    price = {"sku": "L-1", "price": "12.50"}
    assert product(price, "RUB").price == Money(1250, "RUB")
    assert product(price | {"currency": "USD"}, "RUB").price == Money(1250, "USD")
    for members, pointer in ((price, "/currency"), ({"sku": "L-1", "currency": "RUB"}, "/price")):
        with pytest.raises(Invalid) as raised:
            product(members)
        assert raised.value.pointer == pointer


@pytest.mark.parametrize("members", [{}, {"name": "Lamp"}, ROW | {"colour": "red"}])
def test_a_row_without_a_sku_or_with_unknown_fields_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="complete row"):
        product(members)


@pytest.mark.parametrize(("stock", "units"), [("5", 5), (" 7 ", 7), (0, 0), (MAX_STOCK, MAX_STOCK), ("", 3), (None, 3)])
def test_units(stock: object, units: int) -> None:
    assert units_of({"stock": stock}, default=3) == units


@pytest.mark.parametrize("stock", [-1, "-1", 1.0, True, "1.5", "many", MAX_STOCK + 1])
def test_units_that_are_no_whole_number_are_refused(stock: object) -> None:
    with pytest.raises(Invalid) as raised:
        units_of({"stock": stock}, default=None)
    assert raised.value.pointer == "/stock"


def test_an_empty_stock_without_a_default_is_refused() -> None:
    with pytest.raises(Invalid):
        units_of({"stock": ""}, default=None)
