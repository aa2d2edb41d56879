"""Orders for the terminal, readable from 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.commands.order_report import OrderReport
from services.commands.terminal import moment, say
from services.money import Money
from services.order_number import order_number
from services.orders.status import NO_PROGRESS, NO_WORKER, WORKFLOW_FAILING, WORKFLOW_LOST
from services.orders.views import AttentionView, EventView, OrderSummary
from services.payments.provider_states import PaymentStates
from services.reservations.views import ReservationView

_AGREES = {True: "yes", False: "NO"}


def print_list(orders: Sequence[OrderSummary]) -> None:
    """Orders, one a line."""
    table = Table("number", "status", "total", "placed (UTC)", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for order in orders:
        status = f"{order.status} !" if order.needs_attention else str(order.status)
        table.add_row(order_number(str(order.id)), status, text_of(order.total), moment(order.created_at))
    Console().print(table)


def print_report(report: OrderReport) -> None:
    """One order: what it is, the three that must agree, what its workflow does, and its timeline."""
    say(f"Order {order_number(str(report.order.id))}    {report.order.id}")
    say(f"Buyer {report.order.buyer_id}    placed {moment(report.order.created_at)} UTC")
    for item in report.order.lines:
        say(f"  {item.quantity} x {item.name}, {text_of(item.price)} each")
    Console().print(_agreement(report))
    for line in [*_attention(report), *_workflow(report)]:
        say(line)
    Console().print(timeline(report.timeline))


def attention_line(each: AttentionView) -> str:
    """Why an order needs a person, since when, and the code of the last failure."""
    since = f" since {moment(each.since)}" if each.since else ""
    return f"{each.reason}{since}{f'; last failure: {each.detail}' if each.detail else ''}"


def next_try_line(each: AttentionView, at: datetime | None) -> str:
    """When the cause of an attention reason is tried again by itself."""
    if at is not None:
        return f"next try at {moment(at)}"
    if each.reason in (NO_WORKER, NO_PROGRESS):
        return "nothing is tried by itself"
    if each.reason == WORKFLOW_LOST:
        return "nothing is tried: its workflow is open"
    if each.reason == WORKFLOW_FAILING:
        return "Temporal repeats its task by itself"
    return "when it is tried again is not known"


def event_line(event: EventView) -> str:
    """An entry of the timeline as one line."""
    amount = text_of(event.amount) if event.amount else None
    return "  ".join(filter(None, [moment(event.at), event.type, amount, event.detail]))


def timeline(events: Sequence[EventView]) -> Table:
    """The entries of a timeline, oldest first."""
    table = Table("at (UTC)", "event", "amount", "detail", box=None, pad_edge=False)
    for event in events:
        amount = text_of(event.amount) if event.amount else ""
        attempt = f"attempt {event.attempt}" if event.attempt else ""
        # `Text`: what a person wrote, such as `[ticket 4711]`, is no markup.
        detail = Text(" ".join(filter(None, [attempt, event.detail])))
        table.add_row(moment(event.at), str(event.type), amount, detail)
    return table


def text_of(money: Money) -> str:
    """`1299.00 RUB`."""
    return f"{money.text} {money.currency}"


def _agreement(report: OrderReport) -> Table:
    order = report.order
    table = Table("these must agree", "state", "agrees")
    reason = f", because of {order.cancel_reason}" if order.cancel_reason else ""
    table.add_row("order (our row)", f"{order.status}{reason}; total {text_of(order.total)}", "")
    table.add_row("payment provider", "\n".join(_payments(report)), _provider_agrees(report))
    table.add_row("goods", _goods(report.goods), _AGREES[report.goods_agree])
    return table


def _provider_agrees(report: OrderReport) -> str:
    if report.provider_agrees is None:
        return "not asked" if report.payments.said is None else "by hand"
    return _AGREES[report.provider_agrees]


def _payments(report: OrderReport) -> Iterator[str]:
    payments = report.payments.said
    if payments is None:
        yield report.payments.trouble or ""
    elif not payments:
        yield "no payment was begun"
    else:
        yield from (_payment(each) for each in payments)


def _payment(states: PaymentStates) -> str:
    ours, provider = states.ours, states.provider
    if provider is None:
        return f"none; ours is {ours.status}{f' ({ours.failure_code})' if ours.failure_code else ''}"
    currency = provider.amount.currency
    captured, refunded = (Money(each, currency).text for each in (provider.captured_minor, provider.refunded_minor))
    said = f"{provider.outcome}; captured {captured}, refunded {refunded} {currency}"
    return said if states.agree else f"{said}; ours is {ours.status}"


def _goods(goods: ReservationView | None) -> str:
    if goods is None:
        return "not reserved"
    units = sum(item.quantity for item in goods.items)
    return f"{goods.status}; {units} {'unit' if units == 1 else 'units'}"


def _attention(report: OrderReport) -> Iterator[str]:
    for each in report.order.attention:
        yield f"Needs a person: {attention_line(each)}"
        yield f"  {next_try_line(each, report.tries.get(each.reason))}"
        yield f"  {each.advice}"


def _workflow(report: OrderReport) -> Iterator[str]:
    progress = report.workflow.said
    if progress is None:
        yield report.workflow.trouble or f"Workflow order-{report.order.id}: Temporal has none"
        return
    yield f"Workflow {progress.workflow_id}: {progress.status}"
    for step in progress.steps:
        failure = f", last failure: {step.failure}" if step.failure else ""
        yield f"  {step.name}: attempt {step.attempt}{' (paused)' if step.paused else ''}{failure}"
    if progress.task_attempt > 1:
        yield f"  its code fails: attempt {progress.task_attempt}"
    yield f"  {report.link or f'temporal workflow show -w {progress.workflow_id}'}"
