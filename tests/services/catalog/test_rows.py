"""One row of a product list, from CSV text or from JSON values."""

from __future__ import annotations

from typing import Any

import pytest

from services.catalog.rows import MAX_STOCK, product_of, units_of
from services.errors import Invalid
from services.money import Money

ROW = {"sku": "L-1", "name": "Lantern", "price": "1299.00", "currency": "RUB", "stock": "5"}


def test_text_and_json_values_give_the_same_product() -> None:
    text = ROW | {"sku": " L-1 ", "attributes": '{"colour": "red"}', "isActive": "FALSE"}
    values = ROW | {"price": 1299, "attributes": {"colour": "red"}, "isActive": False}

    assert product_of(text) == product_of(values)
    assert product_of(values).price == Money(129_900, "RUB")
    assert not product_of(values).is_active
    assert product_of(ROW).is_active


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
        product_of(ROW | changes)
    assert raised.value.pointer == pointer


@pytest.mark.parametrize("members", [{"sku": "L-1"}, ROW | {"colour": "red"}])
def test_a_row_with_missing_or_unknown_fields_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="complete row"):
        product_of(members)


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
