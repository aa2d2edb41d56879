"""Plans orders from a file of invoices: buyer, products, payment method, and planned outcome; the file is streamed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from services.catalog.files import UnreadableFile
from services.catalog.importing import ImportFile, products_sold
from services.catalog.invoices import InvoiceLine, NotGoods, not_goods_reason, read_invoices, sku_of

#: Maximum number of lines of an order (contract, section 1). An invoice with more products becomes several orders.
MAX_LINES = 500
#: Customer of invoices without a customer id.
WALK_IN = "walk-in"
#: Number of cancellations when the number of invoices is limited.
LIMITED_CANCELLATIONS = 3


class Outcome(StrEnum):
    """The planned outcome of an order."""

    PAID = "paid"
    DECLINED = "declined"
    CANCELLED = "cancelled while its payment was pending"


class Skipped(StrEnum):
    """Why a line that sells or cancels goods is in no order; `NotGoods` has the reasons of all other lines."""

    NOT_IMPORTED = "its product cannot be imported"
    NEVER_SOLD = "cancels goods that no line sells at that price"
    NOT_NEGATIVE = "cancels goods, but its quantity is not below zero"
    AFTER_LIMIT = "after the first invoices, which --orders limits"


@dataclass(frozen=True)
class PlannedOrder:
    """A planned order; quantities by SKU, total in minor units."""

    #: from 1, in the order of the file
    number: int
    invoice: str
    customer: str
    quantities: dict[str, int]
    total: int
    outcome: Outcome
    #: `card` or `phone`
    method: str
    #: lines of the file that it consists of
    lines: int


@dataclass
class _Sum:
    """What the lines of an invoice add up to for one product; `total` in minor units."""

    quantity: int = 0
    total: int = 0
    lines: int = 0


@dataclass
class _Invoice:
    """An invoice of which not all lines have been read."""

    number: str
    customer: str
    outcome: Outcome
    method: str
    products: defaultdict[str, _Sum] = field(default_factory=lambda: defaultdict(_Sum))

    def add(self, line: InvoiceLine) -> None:
        """Add a line with a price."""
        product, quantity = self.products[sku_of(line)], abs(line.quantity)
        product.quantity += quantity
        product.total += quantity * (line.price.minor if line.price else 0)
        product.lines += 1


@dataclass(frozen=True)
class Plan:
    """The orders of a file; `orders` reads the file again each time.

    The memory that it needs grows with the products and the invoices of the file, not with its lines.
    """

    path: Path
    products: ImportFile
    #: line number of the last line of each invoice
    last_lines: Mapping[str, int]
    #: number of invoices that become orders; all when None
    limit: int | None = None
    #: number of orders
    count: int = 0
    #: total of the orders that are not cancelled, in minor units
    goods_total: int = 0
    #: lines that are in no order, by reason
    skipped: Counter[str] = field(default_factory=Counter)
    #: products of which the orders need more units than there are
    scarce: Set[str] = frozenset()

    @property
    def lines(self) -> int:
        """Lines of the file, without its header."""
        return self.products.lines

    def orders(self, skipped: Counter[str] | None = None) -> Iterator[PlannedOrder]:
        """The orders, in the order of the last lines of their invoices; `skipped` counts the lines that are in none."""
        number = 0
        for invoice in self._invoices(Counter() if skipped is None else skipped):
            products = list(invoice.products.items())
            for start in range(0, len(products), MAX_LINES):
                number += 1
                yield _planned(number, invoice, dict(products[start : start + MAX_LINES]))

    def _invoices(self, skipped: Counter[str]) -> Iterator[_Invoice]:
        skus = self.products.stock.keys()
        started: Counter[bool] = Counter()
        unfinished: dict[str, _Invoice] = {}
        for line in read_invoices(self.path):
            cancels = line.invoice.startswith("C")
            reason: str | None = _skip_reason(line, skus)
            if reason is None and line.invoice not in unfinished:
                if self._is_limited(cancels, started[cancels]):
                    reason = Skipped.AFTER_LIMIT
                else:
                    unfinished[line.invoice] = _invoice(line, started[cancels])
                    started[cancels] += 1
            if reason is None:
                unfinished[line.invoice].add(line)
            else:
                skipped[reason] += 1
            if self.last_lines[line.invoice] == line.line_number and line.invoice in unfinished:
                yield unfinished.pop(line.invoice)

    def _is_limited(self, cancels: bool, started: int) -> bool:
        return self.limit is not None and started >= (LIMITED_CANCELLATIONS if cancels else self.limit)


def plan_file(path: Path, stock: int, limit: int | None = None) -> Plan:
    """Plan the orders of a file: every tenth invoice is declined, every third is paid by phone.

    Args:
        path: invoices, see `services.catalog.invoices`.
        stock: units of each product.
        limit: number of invoices that become orders, in the order of the file; all when None.

    Raises:
        UnreadableFile: with what to do, when it is no invoice file or no line of it sells goods.
    """
    last_lines: dict[str, int] = {}
    products = products_sold(_note_last(read_invoices(path), last_lines), stock)
    if not products.stock:
        reasons = "; ".join(f"{count:,} × {reason}" for reason, count in products.skipped.most_common(5))
        raise UnreadableFile(f"{path}: no line sells goods ({reasons or 'there is only a header'}): use another file.")
    plan = Plan(path, products, last_lines, limit)
    skipped: Counter[str] = Counter()
    units: Counter[str] = Counter()
    count = goods_total = 0
    for planned in plan.orders(skipped):
        count += 1
        units.update(planned.quantities)
        goods_total += planned.total if planned.outcome is not Outcome.CANCELLED else 0
    scarce = {sku for sku, needed in units.items() if needed > stock}
    return replace(plan, count=count, goods_total=goods_total, skipped=skipped, scarce=scarce)


def _note_last(lines: Iterable[InvoiceLine], last_lines: dict[str, int]) -> Iterator[InvoiceLine]:
    for line in lines:
        last_lines[line.invoice] = line.line_number
        yield line


def _skip_reason(line: InvoiceLine, skus: Container[str]) -> NotGoods | Skipped | None:
    """None for a line that sells or cancels goods of the catalog, otherwise why it is in no order."""
    reason = not_goods_reason(line)
    if reason is None:
        return None if sku_of(line) in skus else Skipped.NOT_IMPORTED
    if reason is not NotGoods.CANCELLATION:
        return reason
    if line.quantity >= 0:
        return Skipped.NOT_NEGATIVE
    # A cancellation is a sale with the opposite sign.
    sale = replace(line, invoice=line.invoice.removeprefix("C") or "-", quantity=-line.quantity)
    return not_goods_reason(sale) or (None if sku_of(sale) in skus else Skipped.NEVER_SOLD)


def _invoice(first: InvoiceLine, index: int) -> _Invoice:
    customer = first.customer_id or WALK_IN
    if first.invoice.startswith("C"):
        return _Invoice(first.invoice, customer, Outcome.CANCELLED, "card")
    outcome = Outcome.DECLINED if index % 10 == 9 else Outcome.PAID
    return _Invoice(first.invoice, customer, outcome, "phone" if index % 3 == 2 else "card")


def _planned(number: int, invoice: _Invoice, products: Mapping[str, _Sum]) -> PlannedOrder:
    return PlannedOrder(
        number,
        invoice.number,
        invoice.customer,
        {sku: product.quantity for sku, product in products.items()},
        sum(product.total for product in products.values()),
        invoice.outcome,
        invoice.method,
        sum(product.lines for product in products.values()),
    )
