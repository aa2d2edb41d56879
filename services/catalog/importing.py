"""Reads products and their first stock from a file: a product list (CSV or JSON), or the invoices of a shop."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.catalog.files import Table, UnreadableFile, read_table, read_text
from services.catalog.invoices import InvoiceLine, invoice_lines, is_invoice_file, not_goods_reason, sku_of
from services.catalog.rows import OPTIONAL, REQUIRED, product_of, units_of
from services.catalog.rules import checked_product
from services.catalog.views import ProductDraft
from services.errors import Invalid
from services.money import Money


@dataclass(frozen=True)
class ImportFile:
    """The content of a file: products, units of each by SKU, and the number of skipped lines by reason."""

    drafts: Sequence[ProductDraft]
    stock: Mapping[str, int]
    lines: int
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class InvalidRow:
    """The place (`line 7`, `item 3`) of an invalid row and the reason; never its content."""

    place: str
    reason: str


class InvalidRows(ValueError):
    """A file has invalid rows; nothing of it is imported."""

    def __init__(self, rows: Sequence[InvalidRow]) -> None:
        super().__init__(f"{len(rows)} rows are invalid")
        self.rows = rows


def read_import_file(path: Path, stock: int | None) -> ImportFile:
    """Read an import file.

    Args:
        path: `.json` is a list of products, any other file CSV whose header decides its kind; gzipped or not.
        stock: units of each product of an invoice file, and of rows of a product list without a number.

    Raises UnreadableFile when the file cannot be used, InvalidRows for rows of a product list.
    """
    if path.name.removesuffix(".gz").endswith(".json"):
        return _from_rows(_json_rows(path), stock)
    found = read_table(path)
    if not is_invoice_file(found.columns):
        return _from_rows(_csv_rows(found), stock)
    if stock is None:
        raise UnreadableFile(f"{path}: invoices have no stock: add --stock N.")
    return products_sold(invoice_lines(found), stock)


def products_sold(lines: Iterable[InvoiceLine], stock: int) -> ImportFile:
    """The products in invoices: each pair of stock code and price that was sold, with its first description."""
    found: dict[str, ProductDraft] = {}
    skipped: Counter[str] = Counter()
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - the last value is the number of lines
        reason = not_goods_reason(line) or _add_product(line, found)
        if reason:
            skipped[reason] += 1
    return ImportFile([*found.values()], dict.fromkeys(found, stock), count, skipped)


def _add_product(line: InvoiceLine, found: dict[str, ProductDraft]) -> str | None:
    sku = sku_of(line)
    if sku in found and found[sku].name != sku:
        return None
    try:
        found[sku] = checked_product(ProductDraft(sku, line.description or sku, line.price or Money(0, "")))
    except Invalid as error:
        return f"{error.pointer.removeprefix('/')} {error.detail}"
    return None


@dataclass(frozen=True)
class _Row:
    place: str
    members: Mapping[str, Any]


def _from_rows(rows: Iterable[_Row], stock: int | None) -> ImportFile:
    drafts: dict[str, ProductDraft] = {}
    units: dict[str, int] = {}
    places: dict[str, str] = {}
    bad: list[InvalidRow] = []
    for row in rows:
        try:
            draft = product_of(row.members)
            _require_new(draft.sku, places)
            drafts[draft.sku], units[draft.sku] = draft, units_of(row.members, stock)
            places[draft.sku] = row.place
        except Invalid as error:
            bad.append(InvalidRow(row.place, f"{error.pointer.removeprefix('/')} {error.detail}".strip()))
    if bad:
        raise InvalidRows(bad)
    return ImportFile([*drafts.values()], units, len(drafts))


def _require_new(sku: str, places: Mapping[str, str]) -> None:
    if sku in places:
        raise Invalid(f"is also in {places[sku]}", pointer="/sku")


def _csv_rows(found: Table) -> Iterator[_Row]:
    if len(set(found.columns)) != len(found.columns) or not (
        set(REQUIRED) <= set(found.columns) <= {*REQUIRED, *OPTIONAL}
    ):
        raise UnreadableFile(
            f"{found.path}: the columns must be {','.join(REQUIRED)} and optionally {','.join(OPTIONAL)}"
            " (an invoice file must have the header of those in sandbox/data)."
        )
    for row in found.rows:
        complete = len(row.cells) == len(found.columns)
        yield _Row(f"line {row.line_number}", dict(zip(found.columns, row.cells, strict=True)) if complete else {})


def _json_rows(path: Path) -> Iterator[_Row]:
    text = read_text(path)
    try:
        # Parsed twice: a price must not become a float, a number in attributes must stay one.
        items, exact = json.loads(text), json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        raise UnreadableFile(f"{path}: not JSON.") from None
    if not isinstance(items, list):
        raise UnreadableFile(f"{path}: not a JSON list of products.")
    for number, (item, typed) in enumerate(zip(items, exact, strict=True), 1):
        members = {**item, "price": typed["price"]} if isinstance(item, dict) and "price" in item else {}
        yield _Row(f"item {number}", members)
