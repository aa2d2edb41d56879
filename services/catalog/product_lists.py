"""Reads the rows of a product list in the form of this system: CSV with its columns, or a JSON list."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.catalog.cells import amount_of
from services.catalog.files import Table, UnreadableFile, open_text
from services.catalog.rows import MEMBERS, Row

_CHUNK = 1 << 16
_WHITE = " \t\r\n"


class _ExactNumber(float):
    """A JSON number with its text: a price must not be rounded, and a number in attributes must stay one."""

    text: str

    def __new__(cls, text: str) -> _ExactNumber:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


def is_product_list(table: Table) -> bool:
    """Whether a table has columns of a product only, each once, and the SKU among them."""
    columns = set(table.columns)
    return len(columns) == len(table.columns) and "sku" in columns and columns <= set(MEMBERS)


def csv_rows(table: Table) -> Iterator[Row]:
    """The rows of a table; a row with fewer or more cells than the header has no members."""
    for row in table.rows:
        complete = len(row.cells) == len(table.columns)
        members = dict(zip(table.columns, row.cells, strict=True)) if complete else {}
        if table.delimiter != "," and "price" in members:
            members["price"] = amount_of(members["price"])
        yield Row(f"line {row.line_number}", members)


def json_rows(path: Path) -> Iterator[Row]:
    """The items of a JSON list; one that is no object has no members. Raises UnreadableFile."""
    with open_text(path) as text:
        items = _JsonList(text)
        if not items.begins():
            raise UnreadableFile(f"{path}: not a JSON list of products.")
        try:
            for number, item in enumerate(items, 1):
                yield Row(f"item {number}", item if isinstance(item, dict) else {})
        except (ValueError, RecursionError):
            raise UnreadableFile(f"{path}: not JSON.") from None


class _JsonList:
    """The items of a JSON list, one by one, so that a large file is never in memory as a whole."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._decoder = json.JSONDecoder(parse_float=_ExactNumber)
        self._buffer = ""
        self._position = 0

    def begins(self) -> bool:
        """Whether the text begins as a list."""
        return self._next_sign() == "["

    def __iter__(self) -> Iterator[Any]:
        """Raises ValueError and RecursionError when the text is no JSON."""
        self._position += 1
        if self._next_sign() == "]":
            return self._end()
        while True:
            yield self._item()
            sign = self._next_sign()
            if sign == "]":
                return self._end()
            if sign != ",":
                raise ValueError("neither a comma nor the end of the list")
            self._position += 1

    def _item(self) -> Any:
        self._next_sign()
        while True:
            try:
                item, end = self._decoder.raw_decode(self._buffer, self._position)
            except ValueError:
                if not self._read():
                    raise
                continue
            if end < len(self._buffer) or not self._read():
                self._position = end
                return item

    def _end(self) -> None:
        self._position += 1
        if self._next_sign():
            raise ValueError("more after the end of the list")

    def _next_sign(self) -> str:
        """The next character that is no white space; empty at the end of the text."""
        while True:
            while self._position < len(self._buffer):
                if self._buffer[self._position] not in _WHITE:
                    return self._buffer[self._position]
                self._position += 1
            if not self._read():
                return ""

    def _read(self) -> bool:
        # As much as there is left, so that a long item is not decoded again and again.
        left = self._buffer[self._position :]
        more = self._text.read(max(_CHUNK, len(left)))
        self._buffer, self._position = left + more, 0
        return bool(more)
