"""`reconcile`: checks the invariants of the tables and prints a report."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.commands.terminal import errors_as_messages, open_database
from services.reconcile import Check, check_tables


def reconcile(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    lag: Annotated[float, typer.Option(help="Seconds for which commands and messages may still be undelivered.")] = 60,
) -> None:
    """Check the invariants of the tables in one snapshot; exits with 1 when one is violated."""
    with errors_as_messages(), open_database() as database:
        checks = check_tables(database, lag)
    clean = all(check.holds for check in checks)
    if as_json:
        report = [{**dataclasses.asdict(check), "holds": check.holds} for check in checks]
        print(json.dumps({"clean": clean, "checks": report}, indent=2))
    else:
        _print_checks(checks)
    if not clean:
        sys.exit(1)


def _print_checks(checks: Sequence[Check]) -> None:
    table = Table("", "invariant", "rows", "result")
    for check in checks:
        table.add_row(check.id, check.description, str(check.rows), "holds" if check.holds else "VIOLATED")
    console = Console()
    console.print(table)
    for check in checks:
        for violation in check.violations:
            console.print(f"{check.id}: {violation}")
