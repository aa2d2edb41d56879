"""Reads the invoice file of a real shop (sandbox/data), dirt included, and says which lines sell goods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from services.catalog.files import Table, TableRow, UnreadableFile, table
from services.money import Money

#: The columns of the file, in their order; an importer knows it by them.
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
CURRENCY = "GBP"
# The file's own dates, and those of the same data as first published.
_OTHER_DATE = "%m/%d/%Y %H:%M"
_GOODS = re.compile(r"[0-9]{5}[A-Z]*")


class NotGoods(StrEnum):
    """Why a line sells nothing that a catalog can hold."""

    BROKEN = "not a whole line"
    CANCELLATION = "cancels an earlier invoice"
    OTHER_CODE = "stock code is not of goods"
    QUANTITY = "quantity is not above zero"
    PRICE = "price is not above zero, or not whole pence"


@dataclass(frozen=True)
class InvoiceLine:
    """One line as the file has it; `price` is None when the text is no amount, `at` when it is no date."""

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
    """Every line of the file (CSV, gzipped or not), in its order, however dirty.

    Raises UnreadableFile when it is not such a file.
    """
    found = table(path)
    if not is_invoice_file(found.columns):
        raise UnreadableFile(f"{path}: the columns are not {','.join(COLUMNS)}.")
    return invoice_lines(found)


def invoice_lines(found: Table) -> Iterator[InvoiceLine]:
    """The lines of a table that has the header of the invoice file."""
    return map(_line, found.rows)


def is_invoice_file(columns: Sequence[str]) -> bool:
    """Whether a file's header is that of the invoice file."""
    return tuple(columns) == COLUMNS


def why_not_goods(line: InvoiceLine) -> NotGoods | None:
    """None for a line that sells goods, else the first reason why it does not."""
    if line.at is None:
        return NotGoods.BROKEN
    if line.invoice.startswith("C"):
        return NotGoods.CANCELLATION
    if not _GOODS.fullmatch(line.code):
        return NotGoods.OTHER_CODE
    if line.quantity <= 0:
        return NotGoods.QUANTITY
    return None if line.price and line.price.minor > 0 else NotGoods.PRICE


def sku_of(line: InvoiceLine) -> str:
    """`85123A@2.55`: customers paid different prices for one code on one day, so code and price make a product.

    The line must be of goods.
    """
    if line.price is None:
        raise ValueError("a line without a price is of no product")
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
        # The shop's own wall clock: no zone is given, and none is guessed.
        return datetime.fromisoformat(text) if "-" in text else datetime.strptime(text, _OTHER_DATE)  # noqa: DTZ007
    except ValueError:
        return None


def _price(text: str) -> Money | None:
    try:
        return Money.parse(text, CURRENCY)
    except ValueError:
        return None
