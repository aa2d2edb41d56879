"""Reads the invoice file of a real shop (sandbox/data), including invalid lines, and decides which lines sell goods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from services.catalog.files import Table, TableRow, UnreadableFile, read_table
from services.money import Money

#: The columns of the file, in order; they identify an invoice file.
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
CURRENCY = "GBP"
# Date format of the data as first published; the file in sandbox/data has ISO dates.
_OTHER_DATE = "%m/%d/%Y %H:%M"
_GOODS = re.compile(r"[0-9]{5}[A-Z]*")


class NotGoods(StrEnum):
    """Why a line sells no product."""

    BROKEN = "not a complete line"
    DATE = "no date such as 2010-12-01 08:26:00 or 12/1/2010 8:26"
    CANCELLATION = "cancels an earlier invoice"
    OTHER_CODE = "stock code is not a product code"
    QUANTITY = "quantity is not above zero"
    PRICE = "price is not above zero, or not whole pence"


@dataclass(frozen=True)
class InvoiceLine:
    """One line of the file; `price` is None when the text is not an amount, `at` when it is not a date."""

    line_number: int
    invoice: str
    code: str
    description: str
    quantity: int
    at: datetime | None
    price: Money | None
    customer_id: str | None
    country: str


def read_invoices(path: Path) -> Iterator[InvoiceLine]:
    """Every line of the file (CSV, gzipped or not) in order, including invalid ones, read as they are iterated.

    Raises UnreadableFile when it is not an invoice file.
    """
    found = read_table(path)
    if not is_invoice_file(found.columns):
        raise UnreadableFile(f"{path}: the columns are not {','.join(COLUMNS)}{_difference(found.columns)}.")
    return invoice_lines(found)


def _difference(columns: Sequence[str]) -> str:
    """What to change about the columns, so that they are those of an invoice file."""
    missing = [name for name in COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    if not missing and not unknown:
        return ": put them in this order, each once"
    if len(columns) == 1:
        return ": separate them by commas, and name them so in the first line"
    named = [f"add {', '.join(missing)}"] if missing else []
    named += [f"rename or remove {', '.join(name[:40] or '(no name)' for name in unknown[:10])}"] if unknown else []
    return f": {'; '.join(named)}"


def invoice_lines(found: Table) -> Iterator[InvoiceLine]:
    """The lines of a table with the header of an invoice file."""
    return map(_line, found.rows)


def is_invoice_file(columns: Sequence[str]) -> bool:
    """Whether the columns are those of an invoice file."""
    return tuple(columns) == COLUMNS


def not_goods_reason(line: InvoiceLine) -> NotGoods | None:
    """None for a line that sells goods, otherwise the first reason why it does not."""
    if not line.invoice:
        return NotGoods.BROKEN
    if line.at is None:
        return NotGoods.DATE
    if line.invoice.startswith("C"):
        return NotGoods.CANCELLATION
    if not _GOODS.fullmatch(line.code):
        return NotGoods.OTHER_CODE
    if line.quantity <= 0:
        return NotGoods.QUANTITY
    return None if line.price and line.price.minor > 0 else NotGoods.PRICE


def sku_of(line: InvoiceLine) -> str:
    """`85123A@2.55`: one code was sold at different prices on one day, so code and price together are a product.

    Raises ValueError for a line without a price.
    """
    if line.price is None:
        raise ValueError("a line without a price has no SKU")
    return f"{line.code}@{line.price.text}"


def _line(row: TableRow) -> InvoiceLine:
    if len(row.cells) != len(COLUMNS):
        return InvoiceLine(row.line_number, "", "", "", 0, None, None, None, "")
    invoice, code, description, quantity, at, price, customer, country = (cell.strip() for cell in row.cells)
    return InvoiceLine(
        row.line_number,
        invoice,
        code,
        description,
        _whole(quantity),
        _date(at),
        _price(price),
        customer or None,
        country,
    )


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII) else 0


def _date(text: str) -> datetime | None:
    try:
        # Local time of the shop; the file has no time zone.
        return datetime.fromisoformat(text) if "-" in text else datetime.strptime(text, _OTHER_DATE)  # noqa: DTZ007 - no time zone
    except ValueError:
        return None


def _price(text: str) -> Money | None:
    try:
        return Money.parse(text, CURRENCY)
    except ValueError:
        return None
