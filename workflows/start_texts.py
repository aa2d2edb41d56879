"""What the Web UI always shows of a workflow: its summary in the list, and its details, in Markdown.

Operators read them, so they hold ids, amounts, counts and kinds of payment methods, and nothing about a person (I10).
"""

from __future__ import annotations

from uuid import UUID

from activities.messages import OrderInput, PeriodicJob
from services.money import Money
from services.order_number import order_number
from workflows.durations import duration

#: Where the runbook is when no address of it is set.
RUNBOOK = "`docs/operations.md` of the project"


def order_summary(order: OrderInput) -> str:
    """`9F3A-21C4 · 25.98 GBP · 3 units · card`; what an input of an earlier release does not say is left out."""
    units = f"{order.units} unit{'' if order.units == 1 else 's'}" if order.units else ""
    method = order.method if order.has_method else "no payment method yet"
    return " · ".join(part for part in (order_number(str(order.order_id)), _amount(order), units, method) if part)


def order_details(order: OrderInput, runbook: str | None = None) -> str:
    """The terms of an order when it was placed, and where to read on; `runbook`: the address of the runbook."""
    return "\n".join(
        [
            f"**Order {order_number(str(order.order_id))}** over {_amount(order)}"
            f"{f' for {order.units} units of goods' if order.units > 1 else ''}.",
            "",
            f"- Payment method at the start: {_method(order)}",
            f"- Attempts to pay: {order.payment_attempts}, to be begun within {duration(order.payment_window)}",
            f"- Goods are held for {duration(order.hold_seconds)}, and longer while a payment is undecided",
            f"- An undo asks for a person after {duration(order.attention_after)} without success",
            f"- Buyer: `{order.buyer_id}`",
            f"- Runbook: {_link(runbook)}",
        ]
    )


def refund_summary(order_id: UUID) -> str:
    """`late payment of order 9F3A-21C4`."""
    return f"late payment of order {order_number(str(order_id))}"


def refund_details(order_id: UUID, payment_id: UUID, runbook: str | None = None) -> str:
    """Which payment is refunded, and why."""
    return (
        f"The money of payment `{payment_id}` arrived after order `{order_id}` had ended without it, so it is "
        f"sent back.\n\n- Workflow of the order: `order-{order_id}`\n- Runbook: {_link(runbook)}"
    )


def background_summary(name: str) -> str:
    """`background: outbox-relay, always`."""
    return f"background: {name}, always"


def job_summary(job: PeriodicJob) -> str:
    """`background: sweep_reservations, every 60 s`."""
    return f"background: {job.activity}, every {duration(job.every)}"


def _amount(order: OrderInput) -> str:
    return f"{Money(order.total_minor, order.currency).text} {order.currency}"


def _method(order: OrderInput) -> str:
    if not order.has_method:
        return "none, the buyer gives it later"
    return order.method or "given"


def _link(runbook: str | None) -> str:
    return f"[{runbook}]({runbook})" if runbook else RUNBOOK
