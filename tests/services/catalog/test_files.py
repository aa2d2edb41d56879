"""Reading import files: unreadable, compressed and missing files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from services.catalog.files import UnreadableFile
from services.catalog.importing import read_import_file
from tests.services.catalog.conftest import Write

DAY = Path(__file__).parents[3] / "sandbox" / "data" / "2010-12-01.csv.gz"
HEADER = "sku,name,price,currency,stock"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
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
def test_an_unusable_file_is_one_message(write: Write, name: str, content: bytes, sentence: str) -> None:
    path = write(name, content)
    with pytest.raises(UnreadableFile) as unreadable:
        read_import_file(path, None)
    assert str(unreadable.value).startswith(f"{path}: {sentence}")
    assert "\n" not in str(unreadable.value)


def test_a_missing_file_and_a_directory(write: Write) -> None:
    path = write("there.csv", "x")
    for unreadable, sentence in ((path.with_name("not-there.csv"), "no such file"), (path.parent, "is a directory")):
        with pytest.raises(UnreadableFile, match=sentence):
            read_import_file(unreadable, None)


def test_compression_is_detected_by_content(write: Write) -> None:
    plain = gzip.decompress(DAY.read_bytes())
    assert read_import_file(write("day.csv.gz", plain), 1) == read_import_file(DAY, 1)
    assert read_import_file(write("day.csv", DAY.read_bytes()), 1) == read_import_file(DAY, 1)
