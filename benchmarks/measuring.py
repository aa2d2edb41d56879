"""Measures the rounds of a plan on a running system."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from benchmarks.plan import Plan, Round
from benchmarks.processor import Reading
from benchmarks.results import Measured, Results
from benchmarks.running_system import RunningSystem

#: Seconds without orders in which the idle processor time is measured.
IDLE_SECONDS = 3.0


def measure(console: Console, system: RunningSystem, plan: Plan, title: str) -> Results:
    """Measure all rounds of a plan, with a progress bar. Raises NotMeasured."""
    results = Results()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    with bar:
        task = bar.add_task(title, total=len(plan.steps))
        for cell in plan.steps:
            _describe(bar, task, f"{title}: {cell.case}, {cell.in_flight} in flight")
            results.add(cell, measure_round(system, Round(cell.case, cell.in_flight, plan.seconds)))
            bar.advance(task)
        _describe(bar, task, title)
    return results


def _describe(bar: Progress, task: TaskID, title: str) -> None:
    bar.update(task, description=f"{title:<32}")


def measure_round(system: RunningSystem, wanted: Round) -> Measured:
    """Measure one round and what follows from it until everything is delivered. Raises NotMeasured."""
    before, load = system.processor_seconds(wanted.case), Reading.now()
    done = system.measure(wanted)
    # The cost of the messages belongs to this round, not to the next one.
    drained = system.wait_until_drained()
    after = system.processor_seconds(wanted.case)
    used = {part: after[part] - before[part] for part in after}
    return Measured(done, drained, used, Reading.now().others_since(load))


def idle(system: RunningSystem) -> dict[str, float]:
    """Processor milliseconds per second of each part without orders."""
    before = system.processor_seconds()
    time.sleep(IDLE_SECONDS)
    after = system.processor_seconds()
    return {part: 1000 * (after[part] - before[part]) / IDLE_SECONDS for part in after}
