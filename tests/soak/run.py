"""One run: orders arrive while faults happen and an operator acts; then everything must end and agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.soak.buyers import Buyers, Placed
from tests.soak.checks import Violation, violations
from tests.soak.draining import Draining
from tests.soak.faults import Faults, perform_all
from tests.soak.operators import Operator
from tests.soak.plan import OPERATOR, Action, Plan
from tests.soak.report import describe
from tests.soak.run_clock import RunClock, RunStopped
from tests.soak.system import System, running_system

Report = Callable[[str], None]
_STATUSES = "SELECT status, count(*) AS times FROM orders.orders GROUP BY status"


@dataclass(frozen=True)
class Outcome:
    """What happened in a run: how often, by name, and what was violated."""

    orders: Mapping[str, int]
    faults: Mapping[str, int]
    operator: Mapping[str, int]
    requests: Mapping[str, int]
    violations: list[Violation]

    def __str__(self) -> str:
        parts = ("orders", "faults", "operator", "requests")
        return "\n".join(f"{part}: {_counted(getattr(self, part))}" for part in parts)


def soak(plan: Plan, folder: Path, report: Report) -> Outcome:
    """Run a plan with the data in `folder`; prints the plan first, and again when something is violated.

    Raises:
        CannotStart: when the system does not start at the beginning.
    """
    report(str(plan))
    with running_system(folder) as system:
        token, operator = system.operator_token(), Operator(system)
        clock = RunClock()
        faults = Faults(system, clock, report)
        with closing(Buyers.of(system, clock)) as buyers, faults.running():
            placed = _perform(plan, buyers, faults, operator, report)
            left = Draining(system, placed, token, report).wait()
            found = [Violation(each) for each in [*([left] if left else []), *buyers.unexpected, *faults.unexpected]]
            found += violations(system, placed)
            outcome = Outcome(_orders(system), faults.performed, operator.performed, buyers.statuses, found)
            if found:
                for line in [str(plan), *describe(system, operator, found, folder / "histories")]:
                    report(line)
    report(str(outcome))
    return outcome


def _perform(plan: Plan, buyers: Buyers, faults: Faults, operator: Operator, report: Report) -> list[Placed]:
    """Run orders, faults and the operator at their times; returns when the last request was answered."""
    clock = buyers.clock

    def perform(action: Action) -> None:
        report(f"{clock.now:6.1f} s now: {action}")
        (operator if action.kind in OPERATOR else faults).perform(action)

    with ThreadPoolExecutor(1, "actions") as pool, clock.stopped_by_errors():
        acting = pool.submit(perform_all, plan.actions, clock, perform)
        try:
            placed = buyers.run(plan.orders)
        except RunStopped:
            acting.result()  # the error that stopped the run, if an action raised it
            raise
        acting.result()
    return placed


def _orders(system: System) -> dict[str, int]:
    return {row.status: row.times for row in system.rows(_STATUSES)}


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{times} {name}" for name, times in sorted(Counter(counts).items()))
