"""Turns a file into products with their first stock: a product list (CSV or JSON), or a shop's invoices."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.catalog.files import Table, UnreadableFile, contents, table
from services.catalog.invoices import InvoiceLine, invoice_lines, is_invoice_file, sku_of, why_not_goods
from services.catalog.rows import OPTIONAL, REQUIRED, product_of, units_of
from services.catalog.rules import checked
from services.catalog.views import ProductDraft
from services.errors import Invalid
from services.money import Money


@dataclass(frozen=True)
class Incoming:
    """What a file holds: products, units of each by SKU, and how many lines were passed over, by reason."""

    drafts: Sequence[ProductDraft]
    stock: Mapping[str, int]
    lines: int
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class BadRow:
    """Where (`line 7`, `item 3`) a file is wrong, and why; never what stands there."""

    place: str
    reason: str


class BadRows(ValueError):
    """Rows that cannot be taken in; nothing of their file is."""

    def __init__(self, rows: Sequence[BadRow]) -> None:
        super().__init__(f"{len(rows)} rows cannot be taken in")
        self.rows = rows


def read_incoming(path: Path, stock: int | None) -> Incoming:
    """Read a file of any known kind.

    Args:
        path: `.json` is a list of products, anything else CSV by its header; gzipped or not.
        stock: units of each product of an invoice file, and of rows of a product list that leave theirs empty.

    Raises UnreadableFile for the file as a whole, BadRows for rows of a product list.
    """
    if path.name.removesuffix(".gz").endswith(".json"):
        return _listed(_json_rows(path), stock)
    found = table(path)
    if not is_invoice_file(found.columns):
        return _listed(_csv_rows(found), stock)
    if stock is None:
        raise UnreadableFile(f"{path}: invoices do not say how much there is: add --stock N.")
    return sold(invoice_lines(found), stock)


def sold(lines: Iterable[InvoiceLine], stock: int) -> Incoming:
    """The catalog that invoices imply: every pair of code and price that was sold, by its first description."""
    found: dict[str, ProductDraft] = {}
    skipped: Counter[str] = Counter()
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - how many there were
        reason = why_not_goods(line) or _take(line, found)
        if reason:
            skipped[reason] += 1
    return Incoming([*found.values()], dict.fromkeys(found, stock), count, skipped)


def _take(line: InvoiceLine, found: dict[str, ProductDraft]) -> str | None:
    sku = sku_of(line)
    if sku in found and found[sku].name != sku:
        return None
    try:
        found[sku] = checked(ProductDraft(sku, line.description or sku, line.price or Money(0, "")))
    except Invalid as error:
        return f"{error.pointer.removeprefix('/')} {error.detail}"
    return None


@dataclass(frozen=True)
class _Row:
    place: str
    members: Mapping[str, Any]


def _listed(rows: Iterable[_Row], stock: int | None) -> Incoming:
    drafts: dict[str, ProductDraft] = {}
    units: dict[str, int] = {}
    places: dict[str, str] = {}
    bad: list[BadRow] = []
    for row in rows:
        try:
            draft = product_of(row.members)
            _require_new(draft.sku, places)
            drafts[draft.sku], units[draft.sku] = draft, units_of(row.members, stock)
            places[draft.sku] = row.place
        except Invalid as error:
            bad.append(BadRow(row.place, f"{error.pointer.removeprefix('/')} {error.detail}".strip()))
    if bad:
        raise BadRows(bad)
    return Incoming([*drafts.values()], units, len(drafts))


def _require_new(sku: str, places: Mapping[str, str]) -> None:
    if sku in places:
        raise Invalid(f"stands in {places[sku]} already", pointer="/sku")


def _csv_rows(found: Table) -> Iterator[_Row]:
    if len(set(found.columns)) != len(found.columns) or not (
        set(REQUIRED) <= set(found.columns) <= {*REQUIRED, *OPTIONAL}
    ):
        raise UnreadableFile(
            f"{found.path}: the columns must be {','.join(REQUIRED)} and may be {','.join(OPTIONAL)} too"
            " (invoices are known by the header of sandbox/data)."
        )
    for row in found.rows:
        whole = len(row.cells) == len(found.columns)
        yield _Row(f"line {row.line_number}", dict(zip(found.columns, row.cells, strict=True)) if whole else {})


def _json_rows(path: Path) -> Iterator[_Row]:
    text = contents(path)
    try:
        # Read twice: a price must not pass through a float, an attribute should stay one.
        items, exact = json.loads(text), json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        raise UnreadableFile(f"{path}: not JSON.") from None
    if not isinstance(items, list):
        raise UnreadableFile(f"{path}: not a JSON list of products.")
    for number, (item, typed) in enumerate(zip(items, exact, strict=True), 1):
        members = {**item, "price": typed["price"]} if isinstance(item, dict) and "price" in item else {}
        yield _Row(f"item {number}", members)
