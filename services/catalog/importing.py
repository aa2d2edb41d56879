"""Reads products and their stock from a file: a product list (CSV or JSON), or the invoices of a shop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.catalog.comparing import compared
from services.catalog.files import UnreadableFile, read_table
from services.catalog.invoices import InvoiceLine, invoice_lines, is_invoice_file, not_goods_reason, sku_of
from services.catalog.product_lists import csv_rows, is_product_list, json_rows
from services.catalog.rows import MEMBERS, Row, product_of, units_of
from services.catalog.rules import check_product
from services.catalog.shop_exports import ShopTable, named_form, recognised
from services.catalog.views import ImportedProduct
from services.errors import Invalid
from services.money import Money


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


@dataclass(frozen=True)
class ImportFile:
    """The content of a file: products, units of each by SKU, and what was left out."""

    products: Sequence[ImportedProduct]
    #: units by SKU, of the products for which the file or `stock` gives them
    stock: Mapping[str, int]
    lines: int
    #: the number of skipped lines by reason
    skipped: Counter[str] = field(default_factory=Counter)
    bad: Sequence[InvalidRow] = ()
    #: the place of each row, by the compared form of its SKU
    places: Mapping[str, str] = field(default_factory=dict)
    #: how a table of another system was read: `Shopify`, `named columns`
    form: str = ""
    #: the columns that were not taken, with the number of rows that have something in them
    not_taken: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class ImportRules:
    """How a file is read."""

    #: units of each product of an invoice file, and of rows of a product list without a number
    stock: int | None = None
    #: the currency of prices without one
    currency: str | None = None
    #: whether invalid rows are left out, instead of refusing the file
    skip_bad: bool = False
    #: the member of each column, for a table of another system
    columns: Mapping[str, str] = field(default_factory=dict)


def read_import_file(
    path: Path,
    stock: int | None = None,
    rules: ImportRules | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportFile:
    """Read an import file: `.json` is a list of products, any other file CSV whose header decides its kind.

    `stock` is short for rules with this stock; `progress` is called now and then with the number of rows read.
    Raises UnreadableFile when the file cannot be used, InvalidRows for rows of a product list.
    """
    rules = rules or ImportRules(stock)
    if path.name.removesuffix(".gz").endswith(".json"):
        return _from_rows(_counted(json_rows(path), progress), rules)
    table = read_table(path)
    if rules.columns:
        return _from_shop(ShopTable(table, named_form(table, rules.columns)), rules, progress)
    if is_product_list(table):
        return _from_rows(_counted(csv_rows(table), progress), rules)
    if is_invoice_file(table.columns):
        if rules.stock is None:
            raise UnreadableFile(f"{path}: invoices have no stock: add --stock N.")
        return products_sold(invoice_lines(table), rules.stock)
    shop_table = recognised(table)
    if shop_table is None:
        raise UnreadableFile(
            f"{path}: the columns must be sku and any of {','.join(MEMBERS[1:])}, or those of an export of Shopify,"
            " WooCommerce or 1C, or be named with --map (an invoice file must have the header of those in"
            " sandbox/data)."
        )
    return _from_shop(shop_table, rules, progress)


def _from_shop(table: ShopTable, rules: ImportRules, progress: Callable[[int], None]) -> ImportFile:
    content = _from_rows(_counted(table.rows(), progress), rules)
    return replace(content, form=table.form.name, not_taken=table.not_taken)


def _counted(rows: Iterable[Row], progress: Callable[[int], None]) -> Iterator[Row]:
    for count, row in enumerate(rows):
        if count % 1000 == 0:
            progress(count)
        yield row


def products_sold(lines: Iterable[InvoiceLine], stock: int) -> ImportFile:
    """The products in invoices: each pair of stock code and price that was sold, with its first description."""
    found: dict[str, ImportedProduct] = {}
    skipped: Counter[str] = Counter()
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - the last value is the number of lines
        reason = not_goods_reason(line) or _add_product(line, found)
        if reason:
            skipped[reason] += 1
    return ImportFile([*found.values()], dict.fromkeys(found, stock), count, skipped)


def _add_product(line: InvoiceLine, found: dict[str, ImportedProduct]) -> str | None:
    sku = sku_of(line)
    if sku in found and found[sku].name != sku:
        return None
    product = ImportedProduct(sku, line.description or sku, line.price or Money(0, ""))
    try:
        check_product(product)
    except Invalid as error:
        return _reason(error)
    found[sku] = product
    return None


def _from_rows(rows: Iterable[Row], rules: ImportRules) -> ImportFile:
    products: list[ImportedProduct] = []
    units: dict[str, int] = {}
    skipped: Counter[str] = Counter()
    bad: list[InvalidRow] = []
    places: dict[str, str] = {}
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last value is the number of rows
        if row.skipped:
            skipped[row.skipped] += 1
            continue
        try:
            product = product_of(row, rules.currency)
            number = units_of(row.members, rules.stock)
            _require_new(product.sku, row.place, places)
        except Invalid as error:
            bad.append(InvalidRow(row.place, _reason(error)))
            continue
        products.append(product)
        if number is not None:
            units[product.sku] = number
    if bad and not rules.skip_bad:
        raise InvalidRows(bad)
    return ImportFile(products, units, count, skipped, bad, places)


def _require_new(sku: str, place: str, places: dict[str, str]) -> None:
    first = places.setdefault(compared(sku), place)
    if first != place:
        raise Invalid(f"is also in {first}", pointer="/sku")


def _reason(error: Invalid) -> str:
    return f"{error.pointer.removeprefix('/')} {error.detail}".strip()
