"""Exports of other systems, as the hand-made examples in docs/imports have them, and tables with named columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.catalog.files import UnreadableFile
from services.catalog.importing import ImportRules, InvalidRow, InvalidRows, read_import_file
from services.catalog.views import ImportedProduct
from services.money import Money
from tests.services.catalog.conftest import Write

EXAMPLES = Path(__file__).parents[3] / "docs" / "imports"
EUR = ImportRules(currency="EUR")


def test_T189_an_export_of_shopify() -> None:
    content = read_import_file(EXAMPLES / "shopify.csv", rules=EUR)
    shared = {"category": "Home & Garden > Lighting", "type": "Lantern", "vendor": "Northlight"}
    names = frozenset({"category", "type", "vendor", "tags", "barcode"})
    tags, text = ["paper", "garden"], "Folds flat.\nNeeds a candle & a match."
    white = {**shared, "tags": tags, "barcode": "4006381333931", "Colour": "White"}
    red = {**shared, "tags": tags, "Colour": "Red"}
    assert content.products == [
        ImportedProduct("PL-WHITE", "Paper lantern / White", Money(1250, "EUR"), text, white, True, names | {"Colour"}),
        ImportedProduct("PL-RED", "Paper lantern / Red", Money(1300, "EUR"), text, red, True, names | {"Colour"}),
        ImportedProduct("HOOK-1", "Brass hook", Money(400, "EUR"), "", {"vendor": "Northlight"}, False, names),
    ]
    assert content.stock == {"PL-WHITE": 40, "PL-RED": 0, "HOOK-1": 15}
    assert content.skipped == {"has no variant: another picture of a product": 1}
    assert (content.form, content.not_taken) == ("Shopify", {"Variant Grams": 3, "Image Src": 2})


def test_T189_an_export_of_woocommerce() -> None:
    content = read_import_file(EXAMPLES / "woocommerce.csv", rules=EUR)
    names = frozenset({"categories", "tags", "barcode"})
    mug = {"categories": ["Kitchen", "Kitchen > Mugs"], "tags": ["stoneware", "gift"], "barcode": "4006381333948"}
    assert content.products == [
        ImportedProduct("MUG-BLUE", "Blue mug", Money(850, "EUR"), "Holds 0.3 l.", mug, True, names),
        ImportedProduct("TEE-S", "T-shirt - S", Money(1990, "EUR"), "", {"Size": "S"}, True, names | {"Size"}),
        ImportedProduct("TEE-M", "T-shirt - M", Money(1990, "EUR"), "", {"Size": "M"}, True, names | {"Size"}),
        ImportedProduct("OLD-POT", "Old pot", Money(500, "EUR"), "", {"categories": ["Kitchen"]}, False, names),
    ]
    assert content.stock == {"MUG-BLUE": 25, "TEE-S": 6, "TEE-M": 0, "OLD-POT": 3}
    assert content.skipped == {"is no product that is sold by itself: variable": 1}
    assert {"Sale price", "Images", "Parent"} <= content.not_taken.keys()


def test_T189_a_price_list_of_1c() -> None:
    content = read_import_file(EXAMPLES / "1c.csv")
    names = frozenset({"category", "unit", "code"})
    lantern = {"code": "00-00000012", "category": "Освещение", "unit": "шт"}
    assert content.products == [
        ImportedProduct("ФН-12", "Фонарь садовый", Money(129950, "RUB"), None, lantern, None, names),
        ImportedProduct(
            "00-00000013",
            "Лампа настольная «Ёлка»",
            Money(245000, "RUB"),
            attributes={"category": "Освещение", "unit": "шт"},
            attribute_names=names - {"code"},
        ),
    ]
    assert content.stock == {"ФН-12": 12, "00-00000013": 0}
    assert content.skipped == {"has neither an article nor a price: the name of a group, or a total": 2}
    assert (content.form, content.not_taken) == ("1C", {})
    assert content.places["фн-12"] == "line 5"


@pytest.mark.parametrize("columns", ["Остаток;Свободный остаток", "Свободный остаток;Остаток"])
def test_T189_free_units_of_1c_are_taken_rather_than_all(write: Write, columns: str) -> None:
    free_first = columns.startswith("Свободный")
    row = "3,000;12,000" if free_first else "12,000;3,000"
    content = read_import_file(
        write("list.csv", f"Артикул;Наименование;Цена;Валюта;{columns}\nФН-12;Фонарь;1;руб.;{row}\n")
    )
    assert content.stock == {"ФН-12": 3}


def test_T189_columns_that_are_named(write: Write) -> None:
    path = write("list.csv", "Part;Title;Net;currency;Colour;Shelf\nP-1;Plug;1 299,5;eur;red;7;;\nP-2;Cap;3;EUR\n")
    columns = {"part": "sku", "Title": "name", "Net": "price", "Colour": "attributes.colour"}
    content = read_import_file(path, rules=ImportRules(columns=columns))
    assert content.products == [
        ImportedProduct(
            "P-1",
            "Plug",
            Money(129950, "EUR"),
            attributes={"colour": "red"},
            attribute_names=frozenset({"colour"}),
        ),
        ImportedProduct("P-2", "Cap", Money(300, "EUR"), attributes={}, attribute_names=frozenset({"colour"})),
    ]
    assert content.not_taken == {"Shelf": 1}


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"None": "sku"}, "there is no column “None”"),
        ({"Part": "article"}, "“article” is none of sku,name"),
        ({"Part": "attributes."}, "“attributes.” is none of sku,name"),
    ],
)
def test_T189_a_name_that_does_not_fit_is_refused(write: Write, columns: dict[str, str], sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        read_import_file(write("list.csv", "Part,Title\n"), rules=ImportRules(columns=columns))


@pytest.mark.parametrize("stock", ["12,000", "12.000", "1.5", "many"])
def test_T189_units_that_may_mean_thousands_are_refused(write: Write, stock: str) -> None:
    path = write("list.csv", f"Part;stock\nP-1;{stock}\n")
    with pytest.raises(InvalidRows) as bad:
        read_import_file(path, rules=ImportRules(columns={"Part": "sku"}))
    assert bad.value.rows == [InvalidRow("line 2", "stock is not a whole number from 0 to 1000000000")]


def test_T189_a_shop_export_without_a_currency_says_what_to_add() -> None:
    with pytest.raises(InvalidRows) as bad:
        read_import_file(EXAMPLES / "shopify.csv")
    assert bad.value.rows[0] == InvalidRow("line 2", "currency is missing: add it, or use --currency")
