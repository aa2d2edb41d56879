"""`python -m benchmarks`: orders per second and latencies, relative to a minimal workflow measured in the same run."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import report, results_file
from benchmarks.measuring import idle, measure
from benchmarks.plan import FULL, ORDERS, QUICK, Case, Plan, warm_up
from benchmarks.provenance import Provenance
from benchmarks.running_system import RunningSystem, running_system

#: E-mails for a confirmed order: created, paid, confirmed.
MESSAGES_PER_ORDER = 3


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write the results; 0 when every order was confirmed and all invariants hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="run for half a minute to check that everything works; no evaluation"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("bench.json"), help="file for the results (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory(prefix="market-bench-") as folder:
        return _run(report.make_console(), Path(folder), plan, options.results, evaluated=not options.quick)


def _run(console: Console, folder: Path, plan: Plan, path: Path, *, evaluated: bool) -> int:
    console.print("Starting PostgreSQL, Temporal, the stand-ins and the application …")
    with running_system(folder / "data", plan.slots) as system:
        provenance = Provenance.of(system.database, system.temporal)
        console.print(provenance.summary)
        warmed = measure(console, system, warm_up(plan), "Warming up")
        without_orders = idle(system)
        results = measure(console, system, plan, "Measuring")
        violations = _violations(system, warmed.orders(*ORDERS) + results.orders(*ORDERS))
    results_file.write(results_file.as_json(results, plan, provenance, without_orders, evaluated=evaluated), path)
    report.show(console, results, without_orders, evaluated=evaluated)
    for line in violations:
        console.print(f"[red]violation:[/red] {line}")
    console.print(f"{results.orders(*ORDERS)} orders, {results.orders(Case.FLOOR)} floor workflows; results in {path}")
    return 1 if violations else 0


def _violations(system: RunningSystem, orders: int) -> list[str]:
    """Violations after a run: orders not confirmed, messages not sent, invariants of the tables."""
    violations = []
    if system.statuses() != {"confirmed": orders}:
        violations.append(f"{orders} orders were placed, statuses are {system.statuses()}")
    if system.messages() != {"sent": MESSAGES_PER_ORDER * orders}:
        violations.append(f"{MESSAGES_PER_ORDER * orders} messages were expected, statuses are {system.messages()}")
    return violations + system.broken_invariants()
