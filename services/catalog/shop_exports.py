"""Reads tables as other systems export them: Shopify, WooCommerce, 1C, or any table whose columns are named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from services.catalog.cells import amount_of, currency_of, list_of, plain_text_of, units_text_of
from services.catalog.files import Table, TableRow, UnreadableFile
from services.catalog.rows import MEMBERS, Row

#: The target of an attribute: `attributes.colour`.
ATTRIBUTE = "attributes."

_ROWS_OF_TITLES = 10


RowReader = Callable[[str, dict[str, str]], Row]


@dataclass(frozen=True)
class TableForm:
    """How a system exports products."""

    name: str
    #: the columns that identify it, in lower case
    header: frozenset[str]
    #: the member of each column, or what `row` calls it, by its name in lower case
    columns: Mapping[str, str]
    #: makes what reads a file: it is called with the place of a line and what its columns hold
    reader: Callable[[], RowReader]


@dataclass
class ShopTable:
    """A table with the meaning of its columns."""

    table: Table
    form: TableForm
    #: the columns that are not taken, with the number of rows that have something in them
    not_taken: Counter[str] = field(default_factory=Counter)

    def rows(self) -> Iterator[Row]:
        """A row for each product, and for each line that is none with the reason."""
        targets = [self.form.columns.get(column.lower()) for column in self.table.columns]
        reader = self.form.reader()
        for row in self.table.rows:
            place = f"line {row.line_number}"
            if any(map(str.strip, row.cells[len(targets) :])):
                yield Row(place, {})
                continue
            yield reader(place, self._read(row, targets))

    def _read(self, row: TableRow, targets: Sequence[str | None]) -> dict[str, str]:
        found: dict[str, str] = {}
        # A row may be shorter than the header: spreadsheets leave out empty cells at its end.
        cells = [*row.cells, *[""] * len(targets)][: len(targets)]
        for column, target, cell in zip(self.table.columns, targets, cells, strict=True):
            if target is not None:
                found[target] = cell if not found.get(target) else found[target]
            elif cell.strip():
                self.not_taken[column] += 1
        return found


def named_form(table: Table, named: Mapping[str, str]) -> TableForm:
    """The form of a table whose columns a person has named; columns of a product need no name.

    Raises UnreadableFile for a column that the table does not have, and for a member that there is not.
    """
    header = {column.lower(): column for column in table.columns}
    for column, member in named.items():
        if column.lower() not in header:
            raise UnreadableFile(f"{table.path}: there is no column “{column}”.")
        if member not in MEMBERS and not (member.startswith(ATTRIBUTE) and len(member) > len(ATTRIBUTE)):
            raise UnreadableFile(f"{table.path}: “{member}” is none of {','.join(MEMBERS)} and attributes.NAME.")
    own = {member.lower(): member for member in MEMBERS if member.lower() in header and member not in named.values()}
    columns = own | {column.lower(): to for column, to in named.items()}
    return TableForm("named columns", frozenset(), columns, lambda: mapped_row)


def recognised(table: Table) -> ShopTable | None:
    """The table with the form whose columns it has, if any; titles may stand above the columns."""
    for cells in chain([table.columns], (row.cells for row in islice(table.rows, _ROWS_OF_TITLES))):
        columns = tuple(cell.strip() for cell in cells)
        header = {column.lower() for column in columns}
        for form in FORMS:
            if form.header <= header:
                return ShopTable(replace(table, columns=columns), form)
    return None


def mapped_row(place: str, cells: dict[str, str]) -> Row:
    """The row of cells by member, with numbers as spreadsheets write them; `attributes.NAME` are attributes."""
    members: dict[str, Any] = {name: cell for name, cell in cells.items() if not name.startswith(ATTRIBUTE)}
    for name, read in (("price", amount_of), ("stock", units_text_of), ("currency", currency_of)):
        if name in members:
            members[name] = read(members[name])
    attributes = {name.removeprefix(ATTRIBUTE): cell for name, cell in cells.items() if name.startswith(ATTRIBUTE)}
    if not attributes or "attributes" in members:
        return Row(place, members)
    members["attributes"] = {name: cell.strip() for name, cell in attributes.items() if cell.strip()}
    return Row(place, members, frozenset(attributes))


def _shop_row(place: str, cells: dict[str, str], attributes: Mapping[str, Any], names: frozenset[str]) -> Row:
    row = mapped_row(place, cells)
    filled = {name: value for name, value in attributes.items() if value}
    return Row(place, {**row.members, "attributes": filled}, names | filled.keys())


_OPTIONS = ("1", "2", "3")
_SHOPIFY_ATTRIBUTES = frozenset({"category", "type", "vendor", "tags", "barcode"})
_PARENT = ("title", "description", "category", "type", "vendor", "tags", "status", "published", *_OPTIONS)


class _ShopifyRows:
    """One row for each variant: what all variants share is in the first row of their handle only."""

    def __init__(self) -> None:
        self._handle = ""
        self._shared: dict[str, str] = {}

    def __call__(self, place: str, cells: dict[str, str]) -> Row:
        if cells.get("handle", "") != self._handle or cells.get("title"):
            self._handle = cells.get("handle", "")
            self._shared = {name: cells.get(name, "") for name in _PARENT}
        if not cells.get("price") and not cells.get("sku"):
            return Row(place, {}, skipped="has no variant: another picture of a product")
        options = {
            self._shared[number].strip(): cells.get(f"value {number}", "").strip()
            for number in _OPTIONS
            if self._shared[number].strip() and cells.get(f"value {number}", "").strip() != "Default Title"
        }
        values = [value for value in options.values() if value]
        status, published = self._shared["status"].strip().lower(), self._shared["published"].strip().lower()
        members = {
            "sku": cells.get("sku", "").removeprefix("'"),
            "name": " / ".join([self._shared["title"].strip(), *values]),
            "price": cells.get("price", ""),
            "description": plain_text_of(self._shared["description"]),
            "isActive": "false" if status not in ("", "active") or published in ("false", "0") else "true",
        }
        if cells.get("stock", "").strip():
            members["stock"] = cells["stock"]
        shared = {name: self._shared[name].strip() for name in ("category", "type", "vendor")}
        attributes = {**shared, "tags": list_of(self._shared["tags"]), "barcode": cells.get("barcode", "").lstrip("'")}
        return _shop_row(place, members, attributes | options, _SHOPIFY_ATTRIBUTES)


def _woocommerce_row(place: str, cells: dict[str, str]) -> Row:
    kind = cells.get("kind", "").lower()
    if not any(each in kind for each in ("simple", "variation")):
        return Row(place, {}, skipped=f"is no product that is sold by itself: {kind or 'no type'}"[:60])
    members = {
        "sku": cells.get("sku", ""),
        "name": cells.get("name", ""),
        "price": cells.get("price", ""),
        "description": plain_text_of(cells.get("description", "") or cells.get("short", "")),
        "isActive": "true" if cells.get("published", "1").strip() == "1" else "false",
    }
    if cells.get("stock", "").strip():
        members["stock"] = cells["stock"]
    elif cells.get("in stock", "").strip() == "0":
        members["stock"] = "0"
    named = {cells.get(f"attribute {n}", "").strip(): cells.get(f"values {n}", "").strip() for n in _WOO_NUMBERS}
    named.pop("", None)
    lists = {"categories": list_of(cells.get("categories", "")), "tags": list_of(cells.get("tags", ""))}
    return _shop_row(place, members, {**lists, "barcode": cells.get("barcode", "").strip(), **named}, _WOO_ATTRIBUTES)


_WOO_NUMBERS = tuple(str(number) for number in range(1, 21))
_WOO_ATTRIBUTES = frozenset({"categories", "tags", "barcode"})


def _one_c_row(place: str, cells: dict[str, str]) -> Row:
    code = cells.pop("code", "").strip()
    if not cells.get("sku", "").strip():
        cells["sku"] = code
    elif code:
        cells["attributes.code"] = code
    if not cells["sku"] and not cells.get("price", "").strip():
        return Row(place, {}, skipped="has neither an article nor a price: the name of a group, or a total")
    # Beside it the column of all units counts those that are reserved for others, too.
    if "free stock" in cells:
        cells["stock"] = cells.pop("free stock")
    if "stock" in cells:
        cells["stock"] = units_text_of(cells["stock"], decimals=True)
    return mapped_row(place, cells)


SHOPIFY = TableForm(
    "Shopify",
    frozenset({"title", "option1 name", "option1 value"}),
    {
        "handle": "handle",
        "url handle": "handle",
        "title": "title",
        "body (html)": "description",
        "description": "description",
        "vendor": "vendor",
        "product category": "category",
        "type": "type",
        "tags": "tags",
        "published": "published",
        "published on online store": "published",
        "status": "status",
        "variant sku": "sku",
        "sku": "sku",
        "variant price": "price",
        "price": "price",
        "variant inventory qty": "stock",
        "inventory quantity": "stock",
        "variant barcode": "barcode",
        "barcode": "barcode",
        **{f"option{number} name": number for number in _OPTIONS},
        **{f"option{number} value": f"value {number}" for number in _OPTIONS},
    },
    _ShopifyRows,
)
WOOCOMMERCE = TableForm(
    "WooCommerce",
    frozenset({"type", "sku", "name", "regular price", "in stock?"}),
    {
        "type": "kind",
        "sku": "sku",
        "name": "name",
        "published": "published",
        "short description": "short",
        "description": "description",
        "in stock?": "in stock",
        "stock": "stock",
        "regular price": "price",
        "categories": "categories",
        "tags": "tags",
        "gtin, upc, ean, or isbn": "barcode",
        **{f"attribute {number} name": f"attribute {number}" for number in _WOO_NUMBERS},
        **{f"attribute {number} value(s)": f"values {number}" for number in _WOO_NUMBERS},
    },
    lambda: _woocommerce_row,
)
_ONE_C_COLUMNS = {
    "артикул": "sku",
    "код": "code",
    "наименование": "name",
    "номенклатура": "name",
    "цена": "price",
    "розничная цена": "price",
    "валюта": "currency",
    "остаток": "stock",
    "количество": "stock",
    "свободный остаток": "free stock",
    "описание": "description",
    "группа": "attributes.category",
    "категория": "attributes.category",
    "вид номенклатуры": "attributes.kind",
    "ед. изм.": "attributes.unit",
    "единица": "attributes.unit",
    "штрихкод": "attributes.barcode",
    "производитель": "attributes.brand",
}
FORMS = (
    SHOPIFY,
    WOOCOMMERCE,
    *(
        TableForm("1C", frozenset({sku, name, price}), _ONE_C_COLUMNS, lambda: _one_c_row)
        for sku in ("артикул", "код")
        for name in ("наименование", "номенклатура")
        for price in ("цена", "розничная цена")
    ),
)
