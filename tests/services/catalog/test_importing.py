"""Product lists: what is read from them, and how each mistake is named by its line."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from services.catalog.files import UnreadableFile
from services.catalog.importing import BadRow, BadRows, read_incoming
from services.catalog.views import ProductDraft
from services.money import Money
from tests.services.catalog.conftest import Write

HEADER = "sku,name,price,currency,stock"


def test_a_csv_list(write: Write) -> None:
    text = (
        "\ufeffname,sku,currency,price,stock,description,attributes,isActive\r\n"
        'Lamp,LAMP,RUB,1299.00,7,"Gives\nlight","{""watts"": 7.5}",\r\n'
        "\r\n"
        "Кружка, MUG ,JPY,500,,,,False\r\n"
    )
    incoming = read_incoming(write("products.csv", text), 3)
    assert incoming.drafts == [
        ProductDraft("LAMP", "Lamp", Money(129900, "RUB"), "Gives\nlight", {"watts": 7.5}, True),
        ProductDraft("MUG", "Кружка", Money(500, "JPY"), "", {}, False),
    ]
    assert incoming.stock == {"LAMP": 7, "MUG": 3}


def test_a_json_list(write: Write) -> None:
    text = """[
      {"sku": "LAMP", "name": "Lamp", "price": "1299.00", "currency": "RUB", "stock": 7, "attributes": {"watts": 7.5}},
      {"sku": "MUG", "name": "Mug", "price": 0.3, "currency": "RUB", "stock": 0, "isActive": false}
    ]"""
    for path in (write("products.json", text), write("products.json.gz", gzip.compress(text.encode()))):
        incoming = read_incoming(path, None)
        assert incoming.drafts == [
            ProductDraft("LAMP", "Lamp", Money(129900, "RUB"), "", {"watts": 7.5}),
            ProductDraft("MUG", "Mug", Money(30, "RUB"), is_active=False),
        ]
        assert incoming.stock == {"LAMP": 7, "MUG": 0}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A,Lamp,1299.00,RUB", "is not a whole row: too few or too many fields"),
        ("A,Lamp,1299.00,RUB,1,2", "is not a whole row: too few or too many fields"),
        (",Lamp,1299.00,RUB,1", "sku is empty"),
        ("LAMP,Lamp,1299.00,RUB,1", "sku stands in line 2 already"),
        ("A,,1299.00,RUB,1", "name is empty"),
        ("A,Lamp,1299.001,RUB,1", "price is no amount of its currency: use a point, and no more decimals"),
        ("A,Lamp,0.5,JPY,1", "price is no amount of its currency: use a point, and no more decimals"),
        ('A,Lamp,"1299,00",RUB,1', "price is no amount of its currency: use a point, and no more decimals"),
        ("A,Lamp,0.00,RUB,1", "price is not above zero or too large"),
        ("A,Lamp,-1.00,RUB,1", "price is not above zero or too large"),
        ("A,Lamp,1.00,rub,1", "currency is no ISO 4217 currency"),
        ("A,Lamp,1.00,XYZ,1", "currency is no ISO 4217 currency"),
        ("A,Lamp,1.00,RUB,", "stock is not a whole number from 0 to 1000000000"),
        ("A,Lamp,1.00,RUB,-1", "stock is not a whole number from 0 to 1000000000"),
        ("A,Lamp,1.00,RUB,1.5", "stock is not a whole number from 0 to 1000000000"),
        ("A,Lamp,1.00,RUB,1000000001", "stock is not a whole number from 0 to 1000000000"),
    ],
)
def test_a_bad_row_is_named_by_line_and_reason(write: Write, row: str, reason: str) -> None:
    path = write("products.csv", f'{HEADER}\nLAMP,"Lamp",1299.00,RUB,7\n{row}\n')
    with pytest.raises(BadRows) as bad:
        read_incoming(path, None)
    assert bad.value.rows == [BadRow("line 3", reason)]


def test_every_bad_row_is_named_also_after_a_row_of_several_lines(write: Write) -> None:
    rows = [f"{HEADER},description", 'A,A,1.00,RUB,1,"one\ntwo\nthree"', "B,B,x,RUB,1,", "C,C,1.00,RUB,x,"]
    with pytest.raises(BadRows) as bad:
        read_incoming(write("products.csv", "\n".join(rows)), None)
    assert [row.place for row in bad.value.rows] == ["line 5", "line 6"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price": True}, "price is no amount"),
        ({"price": 1.005}, "price is no amount"),
        ({"price": "1e3"}, "price is no amount"),
        ({"name": 5}, "name is not text"),
        ({"stock": "many"}, "stock is not a whole number"),
        ({"stock": True}, "stock is not a whole number"),
        ({"stock": None}, "stock is not a whole number"),
        ({"attributes": []}, None),
        ({"attributes": [1]}, "attributes is no JSON object"),
        ({"attributes": {"a": "\0"}}, "attributes holds U+0000"),
        ({"isActive": "maybe"}, "isActive is neither true nor false"),
        ({"isActive": 0}, "isActive is neither true nor false"),
        ({"colour": "red"}, "is not a whole row"),
    ],
)
def test_a_bad_item_of_json(write: Write, change: dict[str, Any], reason: str | None) -> None:
    item = {"sku": "LAMP", "name": "Lamp", "price": "1.00", "currency": "RUB", "stock": 1, **change}
    path = write("products.json", json.dumps([item]))
    if reason is None:
        assert len(read_incoming(path, None).drafts) == 1
        return
    with pytest.raises(BadRows) as bad:
        read_incoming(path, None)
    assert [(row.place, row.reason.startswith(reason)) for row in bad.value.rows] == [("item 1", True)]


@pytest.mark.parametrize("price", ["1e2", "1.0000000000000000001"])
def test_a_price_in_json_does_not_pass_through_a_float(write: Write, price: str) -> None:
    item = f'{{"sku": "LAMP", "name": "Lamp", "price": {price}, "currency": "RUB", "stock": 1}}'
    with pytest.raises(BadRows) as bad:
        read_incoming(write("products.json", f"[{item}]"), None)
    assert bad.value.rows == [BadRow("item 1", "price is no amount of its currency: use a point, and no more decimals")]


@pytest.mark.parametrize("text", ["5", '["LAMP"]', "[{}]"])
def test_json_of_other_shape(write: Write, text: str) -> None:
    with pytest.raises((UnreadableFile, BadRows)):
        read_incoming(write("products.json", text), None)


@pytest.mark.parametrize(
    ("name", "contents", "sentence"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("blank.csv", b"\n \n", "the file is empty"),
        ("latin.csv", "sku,name\nA,Größe\n".encode("latin-1"), "not UTF-8 text (byte 13)"),
        ("cut.csv.gz", gzip.compress(b"x" * 10_000, mtime=0)[:30], "the gzip data is broken or cut off"),
        ("broken.csv.gz", b"\x1f\x8b" + b"x" * 40, "the gzip data is broken or cut off"),
        ("other.csv", b"id,title\n1,Lamp\n", "the columns must be sku,name,price,currency,stock"),
        ("twice.csv", b"sku,sku,name,price,currency,stock\n", "the columns must be sku,name,price,currency,stock"),
        ("more.csv", b"sku,name,price,currency,stock,colour\n", "the columns must be sku,name,price,currency,stock"),
        ("quote.csv", b'sku,name,price,currency,stock\nA,"Lamp,1.00,RUB,1\n', "line 2 is not CSV"),
        ("list.json", b"[{", "not JSON"),
        ("object.json", b"{}", "not a JSON list of products"),
    ],
)
def test_a_file_that_cannot_be_used(write: Write, name: str, contents: bytes, sentence: str) -> None:
    path = write(name, contents)
    with pytest.raises(UnreadableFile) as unreadable:
        read_incoming(path, None)
    assert str(unreadable.value).startswith(f"{path}: {sentence}")
    assert "\n" not in str(unreadable.value)


def test_a_missing_file_and_a_folder(write: Write) -> None:
    path = write("there.csv", "x")
    for unreadable, sentence in ((path.with_name("not-there.csv"), "no such file"), (path.parent, "is a directory")):
        with pytest.raises(UnreadableFile, match=sentence):
            read_incoming(unreadable, None)
