"""Product lists: the products that are read, and the report of each invalid row."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from services.catalog.files import UnreadableFile
from services.catalog.importing import InvalidRow, InvalidRows, read_import_file
from services.catalog.views import ImportedProduct
from services.money import Money
from tests.services.catalog.conftest import Write

HEADER = "sku,name,price,currency,stock"


def test_a_csv_file(write: Write) -> None:
    text = (
        "\ufeffname,sku,currency,price,stock,description,attributes,isActive\r\n"
        'Lamp,LAMP,RUB,1299.00,7,"Gives\nlight","{""watts"": 7.5}",\r\n'
        "\r\n"
        "Кружка, MUG ,JPY,500,,,,False\r\n"
    )
    incoming = read_import_file(write("products.csv", text), 3)
    assert incoming.products == [
        ImportedProduct("LAMP", "Lamp", Money(129900, "RUB"), "Gives\nlight", {"watts": 7.5}),
        ImportedProduct("MUG", "Кружка", Money(500, "JPY"), "", {}, False),
    ]
    assert incoming.stock == {"LAMP": 7, "MUG": 3}


def test_a_json_file(write: Write) -> None:
    text = """[
      {"sku": "LAMP", "name": "Lamp", "price": "1299.00", "currency": "RUB", "stock": 7, "attributes": {"watts": 7.5}},
      {"sku": "MUG", "name": "Mug", "price": 0.3, "currency": "RUB", "stock": 0, "isActive": false}
    ]"""
    for path in (write("products.json", text), write("products.json.gz", gzip.compress(text.encode()))):
        incoming = read_import_file(path, None)
        assert incoming.products == [
            ImportedProduct("LAMP", "Lamp", Money(129900, "RUB"), attributes={"watts": 7.5}),
            ImportedProduct("MUG", "Mug", Money(30, "RUB"), is_active=False),
        ]
        assert incoming.stock == {"LAMP": 7, "MUG": 0}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A,Lamp,1299.00,RUB", "is not a complete row: too few or too many fields"),
        ("A,Lamp,1299.00,RUB,1,2", "is not a complete row: too few or too many fields"),
        (",Lamp,1299.00,RUB,1", "sku is empty"),
        ("LAMP,Lamp,1299.00,RUB,1", "sku is also in line 2"),
        ("lamp,Lamp,1299.00,RUB,1", "sku is also in line 2"),
        ("ＬＡ\u200bＭＰ,Lamp,1299.00,RUB,1", "sku is also in line 2"),
        ("A,,1299.00,RUB,1", "name is empty"),
        (
            "A,Lamp,1299.001,RUB,1",
            "price is not an amount of its currency, such as 1299.00",
        ),
        (
            "A,Lamp,0.5,JPY,1",
            "price is not an amount of its currency, such as 1299.00",
        ),
        (
            'A,Lamp,"1299,00",RUB,1',
            "price is not an amount of its currency, such as 1299.00",
        ),
        ("A,Lamp,0.00,RUB,1", "price is not above zero, or is too large"),
        ("A,Lamp,-1.00,RUB,1", "price is not above zero, or is too large"),
        ("A,Lamp,1.00,rub,1", "currency is not an ISO 4217 currency"),
        ("A,Lamp,1.00,XYZ,1", "currency is not an ISO 4217 currency"),
        ("A,Lamp,1.00,RUB,", "stock is not a whole number from 0 to 1000000000"),
        ("A,Lamp,1.00,RUB,-1", "stock is not a whole number from 0 to 1000000000"),
        ("A,Lamp,1.00,RUB,1.5", "stock is not a whole number from 0 to 1000000000"),
        ("A,Lamp,1.00,RUB,1000000001", "stock is not a whole number from 0 to 1000000000"),
    ],
)
def test_an_invalid_row_is_reported_by_line_and_reason(write: Write, row: str, reason: str) -> None:
    path = write("products.csv", f'{HEADER}\nLAMP,"Lamp",1299.00,RUB,7\n{row}\n')
    with pytest.raises(InvalidRows) as bad:
        read_import_file(path, None)
    assert bad.value.rows == [InvalidRow("line 3", reason)]


def test_every_invalid_row_is_reported_also_after_a_multiline_row(write: Write) -> None:
    rows = [f"{HEADER},description", 'A,A,1.00,RUB,1,"one\ntwo\nthree"', "B,B,x,RUB,1,", "C,C,1.00,RUB,x,"]
    with pytest.raises(InvalidRows) as bad:
        read_import_file(write("products.csv", "\n".join(rows)), None)
    assert [row.place for row in bad.value.rows] == ["line 5", "line 6"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price": True}, "price is not an amount"),
        ({"price": 1.005}, "price is not an amount"),
        ({"price": "1e3"}, "price is not an amount"),
        ({"name": 5}, "name is not text"),
        ({"stock": "many"}, "stock is not a whole number"),
        ({"stock": True}, "stock is not a whole number"),
        ({"stock": None}, "stock is not a whole number"),
        ({"attributes": []}, None),
        ({"attributes": [1]}, "attributes is not a JSON object"),
        ({"attributes": {"a": "\0"}}, "attributes contains U+0000"),
        ({"isActive": "maybe"}, "isActive is neither true nor false"),
        ({"isActive": 0}, "isActive is neither true nor false"),
        ({"colour": "red"}, "is not a complete row"),
    ],
)
def test_an_invalid_json_item(write: Write, change: dict[str, Any], reason: str | None) -> None:
    item = {"sku": "LAMP", "name": "Lamp", "price": "1.00", "currency": "RUB", "stock": 1, **change}
    path = write("products.json", json.dumps([item]))
    if reason is None:
        assert len(read_import_file(path, None).products) == 1
        return
    with pytest.raises(InvalidRows) as bad:
        read_import_file(path, None)
    assert [(row.place, row.reason.startswith(reason)) for row in bad.value.rows] == [("item 1", True)]


@pytest.mark.parametrize("price", ["1e2", "1.0000000000000000001"])
def test_a_price_in_json_is_not_read_as_a_float(write: Write, price: str) -> None:
    item = f'{{"sku": "LAMP", "name": "Lamp", "price": {price}, "currency": "RUB", "stock": 1}}'
    with pytest.raises(InvalidRows) as bad:
        read_import_file(write("products.json", f"[{item}]"), None)
    assert bad.value.rows == [
        InvalidRow(
            "item 1",
            "price is not an amount of its currency, such as 1299.00",
        )
    ]


@pytest.mark.parametrize("text", ["5", '["LAMP"]', "[{}]"])
def test_json_that_is_not_a_list_of_products(write: Write, text: str) -> None:
    with pytest.raises((UnreadableFile, InvalidRows)):
        read_import_file(write("products.json", text), None)
