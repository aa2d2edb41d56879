"""Plans the orders of the demo from one day of invoices: buyer, products, payment method, and planned outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from services.catalog.invoices import InvoiceLine, NotGoods, not_goods_reason, read_invoices, sku_of

#: Maximum number of lines of an order (contract, section 1).
MAX_LINES = 500
#: Customer of invoices without a customer id.
WALK_IN = "walk-in"


class Outcome(StrEnum):
    """The planned outcome of an order."""

    PAID = "paid"
    DECLINED = "declined"
    CANCELLED = "cancelled while its payment was pending"


@dataclass(frozen=True)
class PlannedOrder:
    """A planned order; quantities by SKU, total in minor units."""

    invoice: str
    customer: str
    quantities: dict[str, int]
    total: int
    outcome: Outcome
    #: `card` or `phone`
    method: str


@dataclass(frozen=True)
class Day:
    """The planned orders of a day."""

    orders: list[PlannedOrder]
    #: total of all goods sold in the file, in minor units
    goods_total: int
    #: cancelled lines of products that were not sold at that price on this day
    unknown_cancellations: int


def plan_day(path: Path, limit: int | None = None) -> Day:
    """Plan a day: every tenth order is declined, every third is paid by phone. `limit` is the number of invoices."""
    sold: dict[str, list[InvoiceLine]] = defaultdict(list)
    returned: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in read_invoices(path):
        reason = not_goods_reason(line)
        if reason is None:
            sold[line.invoice].append(line)
        elif reason is NotGoods.CANCELLATION and line.price:
            returned[line.invoice].append(line)
    skus = {sku_of(line) for lines in sold.values() for line in lines}
    if limit is not None:
        sold, returned = dict(list(sold.items())[:limit]), dict(list(returned.items())[:3])
    return _day(sold, returned, skus)


def _day(sold: dict[str, list[InvoiceLine]], returned: dict[str, list[InvoiceLine]], skus: set[str]) -> Day:
    orders = []
    for number, (invoice, lines) in enumerate(sold.items()):
        outcome = Outcome.DECLINED if number % 10 == 9 else Outcome.PAID
        method = "phone" if number % 3 == 2 else "card"
        orders += [_planned(invoice, part, outcome, method) for part in _split(lines)]
    known = {invoice: [line for line in lines if sku_of(line) in skus] for invoice, lines in returned.items()}
    orders += [_planned(invoice, lines, Outcome.CANCELLED, "card") for invoice, lines in known.items() if lines]
    return Day(
        orders,
        goods_total=sum(_total(line) for lines in sold.values() for line in lines),
        unknown_cancellations=sum(len(lines) - len(known[invoice]) for invoice, lines in returned.items()),
    )


def _split(lines: list[InvoiceLine]) -> Iterator[list[InvoiceLine]]:
    # Split by product, so that all lines of one product of an invoice are in one order.
    by_sku: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in lines:
        by_sku[sku_of(line)].append(line)
    products = list(by_sku.values())
    for start in range(0, len(products), MAX_LINES):
        yield [line for product in products[start : start + MAX_LINES] for line in product]


def _planned(invoice: str, lines: list[InvoiceLine], outcome: Outcome, method: str) -> PlannedOrder:
    quantities: dict[str, int] = defaultdict(int)
    for line in lines:
        quantities[sku_of(line)] += abs(line.quantity)
    customer = lines[0].customer_id or WALK_IN
    return PlannedOrder(invoice, customer, dict(quantities), sum(map(_total, lines)), outcome, method)


def _total(line: InvoiceLine) -> int:
    return line.price.minor * abs(line.quantity) if line.price else 0
