"""The account of a replay: what became of each line of the file, in lines, orders and money."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sandbox.demo.buyers import Order
from sandbox.demo.invoices import Outcome, Plan, PlannedOrder
from services.money import Money

#: Failed orders after which the replay stops: the system under test is away.
MAX_FAILED = 20
#: Reason of an order that needs more units than there are.
OUT_OF_STOCK = "out of stock"
#: Reason of an order that should have been cancelled, and was confirmed before the cancellation came.
CONFIRMED_FIRST = "the cancellation came after the payment"


class Fate(StrEnum):
    """What became of a line."""

    SOLD = "sold"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    #: an order did not end as it should
    FAILED = "FAILED"


#: What becomes of an order with this planned outcome when everything is in stock, and why.
EXPECTED = {
    Outcome.PAID: (Fate.SOLD, ""),
    Outcome.DECLINED: (Fate.REFUSED, "the card is declined"),
    Outcome.CANCELLED: (Fate.CANCELLED, "while the payment was pending"),
}
#: Status and cancel reason of an order with this planned outcome when everything is in stock.
ENDINGS = {
    Outcome.PAID: ("confirmed", None),
    Outcome.DECLINED: ("cancelled", "payment_declined"),
    Outcome.CANCELLED: ("cancelled", "buyer_request"),
}


@dataclass(frozen=True)
class Result:
    """What became of an order, and why; without an order of the shop when it was refused at once."""

    planned: PlannedOrder
    fate: Fate
    reason: str = ""
    order: Order | None = None


@dataclass
class Row:
    """Lines of the file, orders and their total in minor units."""

    lines: int = 0
    orders: int = 0
    total: int = 0


@dataclass
class Account:
    """Adds up the results of a replay."""

    plan: Plan
    rows: defaultdict[tuple[Fate, str], Row] = field(default_factory=lambda: defaultdict(Row))
    #: what went wrong with the first orders that failed
    failures: list[str] = field(default_factory=list)
    #: the first order of each planned outcome that ended as planned
    examples: dict[Outcome, tuple[PlannedOrder, Order]] = field(default_factory=dict)
    #: lines that are in no order, by reason
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        """Count an order. It failed when it is out of stock although there is enough of its products for all orders."""
        if result.reason.endswith(OUT_OF_STOCK) and self.plan.scarce.isdisjoint(result.planned.quantities):
            result = replace(result, fate=Fate.FAILED, reason=f"{result.reason}, although the stock is enough for all")
        failed = result.fate is Fate.FAILED
        row = self.rows[result.fate, "" if failed else result.reason]
        row.lines += result.planned.lines
        row.orders += 1
        row.total += result.planned.total
        if failed:
            self.failures.append(f"order {result.planned.number} ({result.planned.invoice}): {result.reason}")
        elif result.order is not None and (result.fate, result.reason) == EXPECTED[result.planned.outcome]:
            self.examples.setdefault(result.planned.outcome, (result.planned, result.order))

    def total(self, *fates: Fate) -> int:
        """The total of the orders with these fates, in minor units."""
        return sum(row.total for (fate, _), row in self.rows.items() if fate in fates)

    @property
    def orders(self) -> int:
        """Number of orders that were tried."""
        return sum(row.orders for row in self.rows.values())

    @property
    def lines(self) -> int:
        """Lines of the file that are accounted for."""
        return sum(row.lines for row in self.rows.values()) + self.skipped.total()

    @property
    def stopped(self) -> bool:
        """Whether so many orders failed that the replay stops."""
        return len(self.failures) >= MAX_FAILED


def refused(planned: PlannedOrder, reason: str, order: Order | None = None) -> Result:
    """The shop could not sell the order; one that was to be cancelled needs no cancellation then."""
    if planned.outcome is Outcome.CANCELLED:
        return Result(planned, Fate.CANCELLED, f"not accepted: {reason}", order)
    return Result(planned, Fate.REFUSED, reason, order)


def result_of(planned: PlannedOrder, order: Order) -> Result:
    """What became of an order that is final: sold, refused, cancelled, or failed with the reason."""
    total = Money.parse(order["totalAmount"], order["currency"]).minor
    if total != planned.total:
        return Result(planned, Fate.FAILED, f"the total is {order['totalAmount']}, not as in the file", order)
    ending = (order["status"], order.get("cancelReason"))
    if ending == ("cancelled", "out_of_stock"):
        return refused(planned, OUT_OF_STOCK, order)
    if ending == ENDINGS[planned.outcome]:
        return Result(planned, *EXPECTED[planned.outcome], order)
    if ending == ENDINGS[Outcome.PAID] and planned.outcome is Outcome.CANCELLED:
        return Result(planned, Fate.SOLD, CONFIRMED_FIRST, order)
    return Result(planned, Fate.FAILED, f"{' '.join(filter(None, ending))} instead of {planned.outcome}", order)
