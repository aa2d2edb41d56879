"""From rounds to figures: medians of rounds, percentiles of all orders, ratios, and the aims."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.plan import Case, Done


@dataclass(frozen=True)
class Measured:
    """One round, with what came after it and what it cost."""

    done: Done
    #: seconds until commands, events and messages had drained
    drained: float
    #: processor seconds by part, until then
    processor: Mapping[str, float]

    @property
    def per_second(self) -> float:
        return len(self.done.latencies) / self.done.elapsed

    def milliseconds_per_order(self, part: str) -> float:
        """Processor time of one part."""
        return 1000 * self.processor[part] / len(self.done.latencies)


@dataclass(frozen=True)
class Figures:
    """A case at one number in flight."""

    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass
class Results:
    """Every round so far."""

    rounds: dict[tuple[Case, int], list[Measured]] = field(default_factory=dict)

    def add(self, case: Case, in_flight: int, measured: Measured) -> None:
        """Keep one more round."""
        self.rounds.setdefault((case, in_flight), []).append(measured)

    @property
    def levels(self) -> list[int]:
        """In flight, as they were measured."""
        return list(dict.fromkeys(in_flight for _, in_flight in self.rounds))

    @property
    def parts(self) -> list[str]:
        """Whose processor time was counted; empty where the system does not tell."""
        return list(next(iter(self.rounds.values()))[0].processor)

    def orders(self, *cases: Case) -> int:
        """How many orders were measured in these cases."""
        return sum(
            len(one.done.latencies) for (case, _), rounds in self.rounds.items() if case in cases for one in rounds
        )

    def figures(self, case: Case, in_flight: int) -> Figures:
        """The median of its rounds per second, and percentiles over all of its orders in milliseconds."""
        rounds = self.rounds[case, in_flight]
        latencies = [1000 * latency for one in rounds for latency in one.done.latencies]
        return Figures(
            statistics.median(one.per_second for one in rounds), *(percentile(latencies, p) for p in (50, 95, 99))
        )

    def ratio(self, case: Case, to: Case, in_flight: int) -> float:
        """Per second, of one case to another."""
        return self.figures(case, in_flight).per_second / self.figures(to, in_flight).per_second

    def drained(self, case: Case, in_flight: int) -> float:
        """The median of the seconds that messages came after the last order."""
        return statistics.median(one.drained for one in self.rounds[case, in_flight])

    def milliseconds(self, case: Case, in_flight: int) -> dict[str, float]:
        """Processor milliseconds an order by part: medians of rounds.

        `worker` is the application's process, API and driver included. `api` is what HTTP adds to it: how much more
        that process needs for an order that came by REST than for one placed inside it.
        """
        found = {part: self._median(case, in_flight, part) for part in self.parts}
        if case is Case.REST and found:
            inside = self._median(Case.SAGA, in_flight, "worker")
            found |= {"worker": min(inside, found["worker"]), "api": max(0.0, found["worker"] - inside)}
        return found

    def _median(self, case: Case, in_flight: int, part: str) -> float:
        return statistics.median(one.milliseconds_per_order(part) for one in self.rounds[case, in_flight])


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


@dataclass(frozen=True)
class Aim:
    """What was hoped for, and what came."""

    says: str
    measured: float
    reached: bool


def aims(results: Results) -> list[Aim]:
    """The four aims, as far as their levels were measured."""
    wanted = [
        ("saga at least 1.7 of the floor at 16 in flight", Case.SAGA, Case.FLOOR, 1.7),
        ("rest at least 1.3 of the floor at 16 in flight", Case.REST, Case.FLOOR, 1.3),
        ("hot at least 0.95 of the saga at 16 in flight", Case.HOT, Case.SAGA, 0.95),
    ]
    ratios = [(says, results.ratio(case, to, 16), least) for says, case, to, least in wanted]
    alone = results.figures(Case.REST, 1).p50_ms
    return [
        *(Aim(says, measured, measured >= least) for says, measured, least in ratios),
        Aim("rest alone in flight: half of the orders within 60 ms", alone, alone <= 60),
    ]
