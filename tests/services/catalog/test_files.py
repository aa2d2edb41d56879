"""Reading import files: unreadable, compressed and missing files."""

from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path
from typing import NoReturn

import pytest

from services.catalog.files import UnreadableFile
from services.catalog.importing import InvalidRows, read_import_file
from services.money import Money
from tests.services.catalog.conftest import Write

DAY = Path(__file__).parents[3] / "sandbox" / "data" / "2010-12-01.csv.gz"
HEADER = "sku,name,price,currency,stock"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("blank.csv", b"\n \n", "the file is empty"),
        ("latin.csv", "sku,name\nA,Größe\n".encode("latin-1"), "not UTF-8 text (byte 13): save it as UTF-8"),
        ("cut.csv", "sku,name\nA,Лампа".encode()[:-1], "not UTF-8 text (byte 19)"),
        ("empty-rows.csv", b";;;\n;;;\n", "the file is empty"),
        ("cut.csv.gz", gzip.compress(b"x" * 10_000, mtime=0)[:30], "the gzip data is broken or cut off"),
        ("broken.csv.gz", b"\x1f\x8b" + b"x" * 40, "the gzip data is broken or cut off"),
        (
            "other.csv",
            b"id,title\n1,Lamp\n",
            "the columns must be sku and any of name,price,currency,stock,description,attributes,isActive",
        ),
        (
            "twice.csv",
            b"sku,sku,name,price,currency,stock\n",
            "the columns must be sku and any of name,price,currency,stock,description,attributes,isActive",
        ),
        (
            "more.csv",
            b"sku,name,price,currency,stock,colour\n",
            "the columns must be sku and any of name,price,currency,stock,description,attributes,isActive",
        ),
        ("quote.csv", b'sku,name,price,currency,stock\nA,"Lamp,1.00,RUB,1\n', "line 2 is not CSV"),
        ("list.json", b"[{", "not JSON"),
        ("object.json", b"{}", "not a JSON list of products"),
        ("comma.json", b'[{"sku": "A"},]', "not JSON"),
        ("two.json", b"[] []", "not JSON"),
        ("half.json", b'[{"sku": "A"}', "not JSON"),
        ("deep.json", b"[" * 100_000, "not JSON"),
    ],
)
def test_an_unusable_file_is_one_message(write: Write, name: str, content: bytes, sentence: str) -> None:
    path = write(name, content)
    with pytest.raises(UnreadableFile) as unreadable:
        read_import_file(path, None)
    assert str(unreadable.value).startswith(f"{path}: {sentence}")
    assert "\n" not in str(unreadable.value)


def test_a_missing_file_and_a_directory(write: Write) -> None:
    path = write("there.csv", "x")
    for unreadable, sentence in (
        (path.with_name("not-there.csv"), "no such file"),
        (path.parent, "not a regular file"),
    ):
        with pytest.raises(UnreadableFile, match=sentence):
            read_import_file(unreadable, None)


def test_compression_is_detected_by_content(write: Write) -> None:
    plain = gzip.decompress(DAY.read_bytes())
    assert read_import_file(write("day.csv.gz", plain), 1) == read_import_file(DAY, 1)
    assert read_import_file(write("day.csv", DAY.read_bytes()), 1) == read_import_file(DAY, 1)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ("sku,name\nA,Лампа\n".encode("utf-16"), "this is UTF-16 text: save it as UTF-8"),
        ("sku\tname\nA\tLamp\n".encode("utf-16-le"), "this is UTF-16 text"),
        (
            "Артикул;Наименование;Цена\nA;Лампа «Ёлка» №5;1,00\n".encode("cp1251"),
            "this is Windows-1251 text: save it as",
        ),
        (b"PK\x03\x04\x14\x00\x06\x00", "this is a workbook or an archive, not text: save the sheet as CSV in UTF-8"),
        (f'sku,name\nA,"{"x" * 140_000}"\n'.encode(), "line 2 has a field of more than 131,072 characters"),
        (f'sku,name\nA,"Lamp\n{"B,Mug" * 40_000}'.encode(), "line 2 has a field of more than 131,072 characters"),
    ],
)
def test_T185_what_was_seen_is_said_and_how_to_save_it(write: Write, content: bytes, seen: str) -> None:
    path = write("products.csv", content)
    with pytest.raises(UnreadableFile) as unreadable:
        read_import_file(path)
    assert str(unreadable.value).startswith(f"{path}: {seen}")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_T185_semicolons_and_tabs_are_taken_with_decimal_commas(write: Write, delimiter: str) -> None:
    rows = [HEADER.split(","), ["A", "Lamp, large", "1 299,50", "RUB", "5"], [""] * 5, ["B", "Mug", "7", "RUB", "0"]]
    content = read_import_file(write("products.csv", "\r\n".join(delimiter.join(row) for row in rows)))
    assert [(product.name, product.price) for product in content.products] == [
        ("Lamp, large", Money(129950, "RUB")),
        ("Mug", Money(700, "RUB")),
    ]
    assert content.stock == {"A": 5, "B": 0}


def test_T185_rows_of_only_commas_are_skipped(write: Write) -> None:
    content = read_import_file(write("products.csv", f"{HEADER}\n,,,,\nA,Lamp,1.00,RUB,1\n , ,,,\n,,,,,,\n"))
    assert [product.sku for product in content.products] == ["A"]


def test_T185_a_long_value_is_named_by_its_bound(write: Write) -> None:
    path = write("products.csv", f"{HEADER}\nA,{'x' * 201},1.00,RUB,1\n{'y' * 65},Lamp,1.00,RUB,1\n")
    with pytest.raises(InvalidRows) as bad:
        read_import_file(path)
    assert [row.reason for row in bad.value.rows] == [
        "name has more than 200 characters",
        "sku has more than 64 characters",
    ]


def test_T185_a_list_larger_than_a_piece_is_read_whole(write: Write) -> None:
    items = [{"sku": f"A-{number}", "description": "я" * (number % 7000)} for number in range(300)]
    content = read_import_file(write("products.json.gz", gzip.compress(json.dumps(items, ensure_ascii=False).encode())))
    assert [(each.sku, each.description) for each in content.products] == [
        (item["sku"], item["description"]) for item in items
    ]


def test_a_file_in_a_folder_of_somebody_else_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, *, follow_symlinks: bool = True) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", refused)  # root, who may run the tests, is refused nothing
    with pytest.raises(UnreadableFile) as unreadable:
        read_import_file(tmp_path / "products.csv", None)
    assert str(unreadable.value) == f"{tmp_path / 'products.csv'}: permission denied."
