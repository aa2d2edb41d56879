"""`python -m benchmarks`: orders per second and latencies, as ratios to a bare floor measured in the same run."""

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
from benchmarks.scene import Scene, built
from sandbox.errors import CannotStart
from sandbox.interruption import interruptions
from services.reconcile import check_tables

#: E-mails that a confirmed order's buyer gets: created, paid, confirmed.
MESSAGES = 3
#: Seconds for which nobody orders, to see what waiting costs.
IDLE = 3.0


def main() -> int:
    """Measure, print and write; 0 when every order was confirmed and all adds up, whatever the figures are."""
    if sys.argv[1:2] == ["identity"]:
        return identity.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute that shows that it runs; not judged")
    quick = parser.parse_args().quick
    console = Console(highlight=False)
    try:
        with interruptions(), tempfile.TemporaryDirectory(prefix="market-bench-") as folder:
            return _run(console, Path(folder), QUICK if quick else FULL, judged=not quick)
    except (CannotStart, NotMeasured) as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
    except KeyboardInterrupt:
        print("benchmarks: interrupted, nothing was measured", file=sys.stderr)
    return 1


def _run(console: Console, folder: Path, plan: Plan, *, judged: bool) -> int:
    on = report.machine()
    console.print("Starting PostgreSQL, Temporal, a payment provider, an inbox, and the application …")
    with built(folder / "data", max(plan.in_flight)) as scene:
        warmed = _measure(console, scene, warm_up(plan), "Warming up")
        idle = _idle(scene)
        results = _measure(console, scene, plan, "Measuring")
        wrong = _wrong(scene, warmed.orders(*ORDERS) + results.orders(*ORDERS))
    path = report.write(
        report.as_json(results, plan, on, idle) | {"judged": judged}, Path(os.environ.get("DATA_DIR") or ".data")
    )
    report.show(console, results, idle, judged=judged)
    for line in wrong:
        console.print(f"[red]wrong:[/red] {line}")
    console.print(f"{results.orders(*ORDERS)} orders, {results.orders(Case.FLOOR)} floors; figures in {path}")
    return 1 if wrong else 0


def _measure(console: Console, scene: Scene, plan: Plan, words: str) -> Results:
    results = Results()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    with bar:
        task = bar.add_task(words, total=len(plan.steps))
        for level, case in plan.steps:
            _tell(bar, task, f"{words}: {case}, {level} in flight")
            results.add(case, level, _round(scene, Round(case, level, plan.seconds)))
            bar.advance(task)
        _tell(bar, task, words)
    return results


def _tell(bar: Progress, task: TaskID, words: str) -> None:
    bar.update(task, description=f"{words:<32}")


def _round(scene: Scene, wanted: Round) -> Measured:
    before = scene.processor_seconds()
    done = scene.measure(wanted)
    # The next round must not pay for the messages of this one, and this one must.
    drained = scene.drain()
    after = scene.processor_seconds()
    return Measured(done, drained, {part: after[part] - before[part] for part in after})


def _idle(scene: Scene) -> dict[str, float]:
    before = scene.processor_seconds()
    time.sleep(IDLE)
    after = scene.processor_seconds()
    return {part: 1000 * (after[part] - before[part]) / IDLE for part in after}


def _wrong(scene: Scene, orders: int) -> list[str]:
    """What must be true after a run and is not: every order confirmed, every message sent, every table in order."""
    wrong = []
    if scene.statuses() != {"confirmed": orders}:
        wrong.append(f"{orders} orders were placed, and these are there: {scene.statuses()}")
    if scene.messages() != {"sent": MESSAGES * orders}:
        wrong.append(f"{MESSAGES * orders} messages were to be sent, and these are there: {scene.messages()}")
    for check in check_tables(scene.sessions, 0):
        wrong += [f"{check.id} {check.description}: {violation}" for violation in check.violations]
    return wrong


if __name__ == "__main__":
    sys.exit(main())
