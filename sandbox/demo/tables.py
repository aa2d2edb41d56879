"""Terminal output of the demo: progress bars and result tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from sandbox.demo.buyers import Order
from sandbox.demo.card_results import CardResult
from sandbox.demo.invoices import Day, Outcome, PlannedOrder
from services.money import Money
from services.reconcile import Check

EXPECTED_STATUS = {Outcome.PAID: "confirmed", Outcome.DECLINED: "cancelled", Outcome.CANCELLED: "cancelled"}


def progress_bar(console: Console, title: str) -> Progress:
    """A progress bar with counts and the elapsed time."""
    return Progress(TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)


def print_card_results(console: Console, results: list[CardResult]) -> bool:
    """Print the test cards run; True when every row balances."""
    table = Table(
        Column("test card", no_wrap=True),
        *("method", "status", "charges", "refunded", "kept", "ok"),
        title="One order with each test card and phone, from the provider's own ledger, GBP",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for result in results:
        table.add_row(
            result.case.behaviour,
            result.case.method,
            result.order["status"],
            *_amounts(result),
            "[green]yes[/green]" if result.balances else "[red]NO[/red]",
        )
    console.print(table)
    return all(result.balances for result in results)


def _amounts(result: CardResult) -> tuple[str, str, str]:
    currency = result.order["currency"]
    refunds = [Money(result.refunded, currency).text] if result.refunded else []
    refunds += [f"{Money(result.manually_refunded, currency).text} manually"] if result.manually_refunded else []
    return (
        f"{result.captures} × {Money(result.charged, currency).text}" if result.captures else "–",
        ", ".join(refunds) or "–",
        Money(result.kept, currency).text if result.kept else "–",
    )


def print_timeline(console: Console, title: str, events: list[dict[str, Any]]) -> None:
    """Print the events of an order."""
    table = Table("time", "event", "detail", "amount", title=title, title_justify="left")
    for event in events:
        table.add_row(event["at"][11:23], event["type"], event.get("detail") or "", event.get("amount") or "")
    console.print(table)


def print_totals(console: Console, day: Day, replayed: list[tuple[PlannedOrder, Order]], seconds: float) -> bool:
    """Print the totals of the day; True when every order and the sum of all goods are as planned."""
    totals: Counter[Outcome] = Counter()
    counts: Counter[Outcome] = Counter()
    wrong = []
    for planned, order in replayed:
        total = Money.parse(order["totalAmount"], order["currency"]).minor
        totals[planned.outcome] += total
        counts[planned.outcome] += 1
        if order["status"] != EXPECTED_STATUS[planned.outcome] or total != planned.total:
            wrong.append(f"{order['id']} ({planned.invoice}): {order['status']}, {order['totalAmount']}")
    table = Table("orders", "count", "total, GBP", title="The day", title_justify="left")
    for outcome in Outcome:
        table.add_row(outcome, str(counts[outcome]), Money(totals[outcome], "GBP").text)
    console.print(table)
    ordered = totals[Outcome.PAID] + totals[Outcome.DECLINED]
    console.print(
        f"Goods in the file {Money(day.goods_total, 'GBP').text}, ordered {Money(ordered, 'GBP').text}: "
        f"{'equal' if ordered == day.goods_total else 'NOT EQUAL'}.\n"
        f"{len(replayed)} orders in {seconds:.1f} s, {len(replayed) / seconds:.1f} per second"
        " (orders to cancel wait until their payment is pending)."
    )
    for line in wrong:
        console.print(f"[red]not as planned:[/red] {line}")
    return ordered == day.goods_total and not wrong


def print_audit(console: Console, checks: list[Check]) -> bool:
    """Print the audit; True when every invariant holds."""
    table = Table("", "invariant", "checked", "result", title="Audit", title_justify="left")
    for check in checks:
        result = "[green]holds[/green]" if check.holds else f"[red]{len(check.violations)} violations[/red]"
        table.add_row(check.id, check.description, str(check.rows), result)
    console.print(table)
    for check in checks:
        for violation in check.violations:
            console.print(f"[red]{check.id}[/red] {violation}")
    passed = all(check.holds for check in checks)
    console.print("[green]Audit passed.[/green]" if passed else "[red]Audit failed.[/red]")
    return passed
