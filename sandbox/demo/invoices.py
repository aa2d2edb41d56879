"""Turns a day of the shop's invoices into orders to place: who buys what, how it is paid, what is cancelled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from services.catalog.invoices import InvoiceLine, NotGoods, not_goods_reason, read_invoices, sku_of

#: Lines of one order (contract, section 1).
MOST_LINES = 500
#: Buyer of the invoices that name no customer.
WALK_IN = "walk-in"


class Fate(StrEnum):
    """What is to become of an order."""

    PAID = "paid"
    DECLINED = "declined"
    CANCELLED = "cancelled while its payment was pending"


@dataclass(frozen=True)
class Planned:
    """One order of the day; quantities by SKU, its worth in minor units."""

    invoice: str
    customer: str
    quantities: dict[str, int]
    worth: int
    fate: Fate
    #: `card` or `phone`
    method: str


@dataclass(frozen=True)
class Day:
    """The orders of a day, and what of the file is not among them."""

    orders: list[Planned]
    #: minor units of all goods that the file sells
    goods: int
    #: lines that the shop cancelled although this day never sold them at that price
    unknown_cancellations: int


def plan(path: Path, most: int | None = None) -> Day:
    """Read a day; every tenth order is declined, every third is paid by phone, `most` cuts the day short."""
    sold: dict[str, list[InvoiceLine]] = defaultdict(list)
    returned: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in read_invoices(path):
        reason = not_goods_reason(line)
        if reason is None:
            sold[line.invoice].append(line)
        elif reason is NotGoods.CANCELLATION and line.price:
            returned[line.invoice].append(line)
    skus = {sku_of(line) for lines in sold.values() for line in lines}
    if most is not None:
        sold, returned = dict(list(sold.items())[:most]), dict(list(returned.items())[:3])
    return _day(sold, returned, skus)


def _day(sold: dict[str, list[InvoiceLine]], returned: dict[str, list[InvoiceLine]], skus: set[str]) -> Day:
    orders = []
    for number, (invoice, lines) in enumerate(sold.items()):
        fate = Fate.DECLINED if number % 10 == 9 else Fate.PAID
        method = "phone" if number % 3 == 2 else "card"
        orders += [_planned(invoice, part, fate, method) for part in _parts(lines)]
    known = {invoice: [line for line in lines if sku_of(line) in skus] for invoice, lines in returned.items()}
    orders += [_planned(invoice, lines, Fate.CANCELLED, "card") for invoice, lines in known.items() if lines]
    return Day(
        orders,
        goods=sum(_worth(line) for lines in sold.values() for line in lines),
        unknown_cancellations=sum(len(lines) - len(known[invoice]) for invoice, lines in returned.items()),
    )


def _parts(lines: list[InvoiceLine]) -> Iterator[list[InvoiceLine]]:
    # Cut by product, so that one product of an invoice stays in one order.
    by_sku: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in lines:
        by_sku[sku_of(line)].append(line)
    products = list(by_sku.values())
    for start in range(0, len(products), MOST_LINES):
        yield [line for product in products[start : start + MOST_LINES] for line in product]


def _planned(invoice: str, lines: list[InvoiceLine], fate: Fate, method: str) -> Planned:
    quantities: dict[str, int] = defaultdict(int)
    for line in lines:
        quantities[sku_of(line)] += abs(line.quantity)
    customer = lines[0].customer_id or WALK_IN
    return Planned(invoice, customer, dict(quantities), sum(map(_worth, lines)), fate, method)


def _worth(line: InvoiceLine) -> int:
    return line.price.minor * abs(line.quantity) if line.price else 0
