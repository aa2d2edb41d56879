"""Terminal output of the demo: progress bars and result tables."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table

from sandbox.demo.account import CONFIRMED_FIRST, Account, Fate
from sandbox.demo.audit import Balance
from sandbox.demo.card_results import CardResult
from services.catalog.invoices import CURRENCY
from services.money import Money
from services.reconcile.findings import Check


def progress_bar(console: Console, title: str) -> Progress:
    """A progress bar with counts, the elapsed time, and the time left at the speed of the last minute."""
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    return Progress(
        TextColumn(title), BarColumn(), MofNCompleteColumn(), *times, console=console, speed_estimate_period=60
    )


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


def print_account(console: Console, account: Account, balance: Balance) -> bool:
    """Print what became of every line of the file and of the money; True when both are accounted for."""
    plan = account.plan
    table = Table("", "why", *_right("lines", "orders", "total, GBP"), title="What became of the lines of the file")
    table.title_justify = "left"
    for (fate, reason), row in sorted(account.rows.items(), key=lambda each: list(Fate).index(each[0][0])):
        table.add_row(fate, reason, f"{row.lines:,}", f"{row.orders:,}", _pounds(row.total))
    for reason, lines in account.skipped.most_common():
        table.add_row(Fate.SKIPPED, reason, f"{lines:,}", "", "")
    complete = account.lines == plan.lines
    table.add_section()
    table.add_row("all", _agreement(complete, f"as many as in the file, {plan.lines:,}"), f"{account.lines:,}")
    console.print(table)
    for failure in account.failures:
        console.print(f"[red]failed:[/red] {escape(failure)}")
    if account.stopped:
        console.print(f"[red]Stopped after {len(account.failures)} orders failed.[/red]")
    balanced = _print_balance(console, account, balance)
    return complete and balanced and not account.failures


def _print_balance(console: Console, account: Account, balance: Balance) -> bool:
    sold = account.total(Fate.SOLD)
    ordered = sold + account.total(Fate.REFUSED)
    late = account.rows.get((Fate.SOLD, CONFIRMED_FIRST))
    planned = account.plan.goods_total + (late.total if late else 0)
    table = Table("", *_right("GBP"), "", title="Balance", title_justify="left")
    table.add_row("goods of the file", _pounds(planned), "")
    table.add_row("sold and refused", _pounds(ordered), _agreement(ordered == planned, "as in the file"))
    table.add_section()
    table.add_row("sold", _pounds(sold), "")
    records = {
        "confirmed orders, in the shop's tables": balance.confirmed,
        "captured less refunded, in the shop's ledger": balance.captured,
        "captured less refunded, at the payment provider": balance.provider,
    }
    for name, total in records.items():
        table.add_row(name, _pounds(total), _agreement(total == sold, "as sold"))
    console.print(table)
    return ordered == planned and all(total == sold for total in records.values())


def _agreement(holds: bool, statement: str) -> str:
    return f"[green]{statement}[/green]" if holds else f"[red]NOT {statement}[/red]"


def _pounds(minor: int) -> str:
    whole, _, pence = Money(minor, CURRENCY).text.partition(".")
    return f"{int(whole):,}.{pence}"


def _right(*names: str) -> list[Column]:
    return [Column(name, justify="right", no_wrap=True) for name in names]


def print_audit(console: Console, checks: list[Check]) -> bool:
    """Print the audit; True when every invariant holds."""
    table = Table("", "invariant", "checked", "result", title="Audit", title_justify="left")
    for check in checks:
        problem = check.unchecked or f"{check.violated} violations"
        result = "[green]holds[/green]" if check.holds else f"[red]{problem}[/red]"
        table.add_row(check.id, check.description, str(check.rows), result)
    console.print(table)
    for check in checks:
        for violation in check.violations:
            console.print(f"[red]{check.id}[/red] {violation}")
    passed = all(check.holds for check in checks)
    console.print("[green]Audit passed.[/green]" if passed else "[red]Audit failed.[/red]")
    return passed
