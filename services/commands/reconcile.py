"""`reconcile`: checks the invariants and prints a report."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.commands.repair import repair
from services.commands.temporal import with_order_workflows
from services.commands.terminal import errors_as_messages, open_database, read_connections, say
from services.db import Database
from services.payment_gateway import make_gateway
from services.payments.gateway import Gateway
from services.reconcile.findings import Check, Finding
from services.reconcile.reconciler import Reconciler, Report
from services.reconcile.scope import Scope
from services.reconcile.workflows import OrderWorkflows

DAY = 86_400
_DEFAULT = Scope()

Lag = Annotated[float, typer.Option(min=0, help="Seconds for which commands and messages may still be undelivered.")]
Grace = Annotated[float, typer.Option(min=0, help="Seconds that a row may stay unchanged after its last timer.")]
Since = Annotated[float, typer.Option(min=0, help="Days for which messages and the provider's lists are compared.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds that the whole check may take.")]


def reconcile(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    lag: Lag = _DEFAULT.lag,
    grace: Grace = _DEFAULT.grace,
    timeout: Timeout = _DEFAULT.timeout,
    since: Since = _DEFAULT.since / DAY,
    without_temporal: Annotated[bool, typer.Option("--without-temporal", help="Ask Temporal nothing (I7).")] = False,
    without_provider: Annotated[
        bool, typer.Option("--without-provider", help="Ask the payment provider nothing (I13).")
    ] = False,
    with_repair: Annotated[
        bool, typer.Option("--repair", help="First do what recovery does: start missing workflows of open orders.")
    ] = False,
) -> None:
    """Check the invariants I1 to I14 (docs/contract.md, section 4); changes nothing without --repair.

    Exits with 0 when all of them hold, 1 when one is violated, and 2 when not everything could be checked.
    """
    if with_repair and without_temporal:
        raise typer.BadParameter("--repair starts workflows, so it cannot be used with --without-temporal.")
    scope = Scope(lag=lag, grace=grace, since=since * DAY, timeout=timeout)
    with errors_as_messages(unavailable=2), open_database() as database:
        started = repair(database, read_connections()) if with_repair else None
        report = _run(database, scope, temporal=not without_temporal, provider=not without_provider)
    if as_json:
        print(json.dumps(_as_json(report) | ({} if started is None else {"started": started}), indent=2))
    else:
        _print(report)
        if started is not None:
            say(f"Repaired before the check: {started:,} workflows of open orders were started.")
    sys.exit(1 if report.violated else 0 if report.complete else 2)


def _run(database: Database, scope: Scope, *, temporal: bool, provider: bool) -> Report:
    with ExitStack() as opened:
        gateway = opened.enter_context(_gateway()) if provider else None
        status = opened.enter_context(Console(stderr=True).status(""))

        def run(workflows: OrderWorkflows | None) -> Report:
            return Reconciler(database, workflows, gateway).run(scope, progress=status.update)

        return with_order_workflows(read_connections(), run) if temporal else run(None)


@contextmanager
def _gateway() -> Iterator[Gateway]:
    settings = read_connections()
    if not settings.yookassa_shop_id:
        raise ValueError("YOOKASSA_SHOP_ID is not set: set it, or use --without-provider.")
    with closing(make_gateway(settings)) as gateway:
        yield gateway


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "clean": report.complete and not report.violated,
        "complete": report.complete,
        "checks": [
            {
                "id": check.id,
                "description": check.description,
                "rows": check.rows,
                "holds": check.holds,
                "unchecked": check.unchecked,
                "violated": check.violated,
                "violations": _listed(check.violations),
            }
            for check in report.checks
        ],
        "needAttention": report.need_attention,
        "attention": _listed(report.attention),
    }


def _listed(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [{"sentence": finding.sentence, "ids": dict(finding.ids)} for finding in findings]


def _print(report: Report) -> None:
    table = Table("", "invariant", "checked", "result")
    for check in report.checks:
        table.add_row(check.id, check.description, f"{check.rows:,}", _result(check))
    Console().print(table)
    for check in report.checks:
        if check.unchecked:
            say(f"{check.id} was not checked in full: {check.unchecked}")
        _list(f"{check.id}: ", check.violations, check.violated)
    if report.need_attention:
        say(f"Orders that need a person: {report.need_attention:,}")
        _list("", report.attention, report.need_attention)


def _result(check: Check) -> str:
    if check.violated:
        return f"VIOLATED: {check.violated:,}"
    return "NOT CHECKED" if check.unchecked else "holds"


def _list(before: str, findings: Sequence[Finding], count: int) -> None:
    for finding in findings:
        say(f"{before}{finding.sentence}")
        for name, value in finding.ids.items():
            say(f"    {name} {value}")
    if count > len(findings):
        say(f"{before}… and {count - len(findings):,} more")
