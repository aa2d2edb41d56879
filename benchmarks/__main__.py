"""`python -m benchmarks`: orders per second and latencies, relative to a minimal workflow measured in the same run."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from benchmarks import identity, report
from benchmarks.plan import FULL, ORDERS, QUICK, Case, Plan, Round, warm_up
from benchmarks.process import NotMeasured
from benchmarks.results import Measured, Results
from benchmarks.running_system import RunningSystem, running_system
from sandbox.errors import CannotStart
from sandbox.signals import interrupt_on_signals
from services.reconcile import check_tables

#: E-mails for a confirmed order: created, paid, confirmed.
MESSAGES_PER_ORDER = 3
#: Seconds without orders in which the idle processor time is measured.
IDLE_SECONDS = 3.0


def main() -> int:
    """Measure, print and write the results; 0 when every order was confirmed and all invariants hold."""
    if sys.argv[1:2] == ["identity"]:
        return identity.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="run for half a minute to check that everything works; no evaluation"
    )
    quick = parser.parse_args().quick
    console = Console(highlight=False)
    try:
        with interrupt_on_signals(), tempfile.TemporaryDirectory(prefix="market-bench-") as folder:
            return _run(console, Path(folder), QUICK if quick else FULL, evaluated=not quick)
    except (CannotStart, NotMeasured) as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
    except KeyboardInterrupt:
        print("benchmarks: interrupted, nothing was measured", file=sys.stderr)
    return 1


def _run(console: Console, folder: Path, plan: Plan, *, evaluated: bool) -> int:
    machine_info = report.machine()
    console.print("Starting PostgreSQL, Temporal, the stand-ins and the application …")
    with running_system(folder / "data", max(plan.in_flight)) as system:
        warmed = _measure(console, system, warm_up(plan), "Warming up")
        idle = _idle(system)
        results = _measure(console, system, plan, "Measuring")
        violations = _violations(system, warmed.orders(*ORDERS) + results.orders(*ORDERS))
    path = report.write(
        report.as_json(results, plan, machine_info, idle) | {"evaluated": evaluated},
        Path(os.environ.get("DATA_DIR") or ".data"),
    )
    report.show(console, results, idle, evaluated=evaluated)
    for line in violations:
        console.print(f"[red]violation:[/red] {line}")
    console.print(f"{results.orders(*ORDERS)} orders, {results.orders(Case.FLOOR)} floor workflows; results in {path}")
    return 1 if violations else 0


def _measure(console: Console, system: RunningSystem, plan: Plan, title: str) -> Results:
    results = Results()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    with bar:
        task = bar.add_task(title, total=len(plan.steps))
        for level, case in plan.steps:
            _describe(bar, task, f"{title}: {case}, {level} in flight")
            results.add(case, level, _round(system, Round(case, level, plan.seconds)))
            bar.advance(task)
        _describe(bar, task, title)
    return results


def _describe(bar: Progress, task: TaskID, title: str) -> None:
    bar.update(task, description=f"{title:<32}")


def _round(system: RunningSystem, wanted: Round) -> Measured:
    before = system.processor_seconds()
    done = system.measure(wanted)
    # The cost of the messages belongs to this round, not to the next one.
    drained = system.wait_until_drained()
    after = system.processor_seconds()
    return Measured(done, drained, {part: after[part] - before[part] for part in after})


def _idle(system: RunningSystem) -> dict[str, float]:
    before = system.processor_seconds()
    time.sleep(IDLE_SECONDS)
    after = system.processor_seconds()
    return {part: 1000 * (after[part] - before[part]) / IDLE_SECONDS for part in after}


def _violations(system: RunningSystem, orders: int) -> list[str]:
    """Violations after a run: orders not confirmed, messages not sent, invariants of the tables."""
    violations = []
    if system.statuses() != {"confirmed": orders}:
        violations.append(f"{orders} orders were placed, statuses are {system.statuses()}")
    if system.messages() != {"sent": MESSAGES_PER_ORDER * orders}:
        violations.append(f"{MESSAGES_PER_ORDER * orders} messages were expected, statuses are {system.messages()}")
    for check in check_tables(system.database, 0):
        violations += [f"{check.id} {check.description}: {violation}" for violation in check.violations]
    return violations


if __name__ == "__main__":
    sys.exit(main())
