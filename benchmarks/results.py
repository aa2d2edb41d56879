"""Results from rounds: medians of rounds, percentiles of all orders, ratios and targets."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.plan import Case, Done


@dataclass(frozen=True)
class Measured:
    """A measured round with its drain time and processor time."""

    done: Done
    #: seconds after the round until commands, events and messages were drained
    drained: float
    #: processor seconds by part, including the drain time
    processor: Mapping[str, float]

    @property
    def per_second(self) -> float:
        """Orders per second."""
        return len(self.done.latencies) / self.done.elapsed

    def milliseconds_per_order(self, part: str) -> float:
        """Processor milliseconds of one part per order."""
        return 1000 * self.processor[part] / len(self.done.latencies)


@dataclass(frozen=True)
class Figures:
    """The figures of a case at one level (orders in flight)."""

    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass
class Results:
    """All measured rounds."""

    rounds: dict[tuple[Case, int], list[Measured]] = field(default_factory=dict)

    def add(self, case: Case, in_flight: int, measured: Measured) -> None:
        """Add a round."""
        self.rounds.setdefault((case, in_flight), []).append(measured)

    @property
    def levels(self) -> list[int]:
        """The measured numbers of orders in flight."""
        return list(dict.fromkeys(in_flight for _, in_flight in self.rounds))

    @property
    def parts(self) -> list[str]:
        """Parts with processor times; empty where the system does not provide them."""
        return list(next(iter(self.rounds.values()))[0].processor)

    def orders(self, *cases: Case) -> int:
        """Number of orders in these cases."""
        return sum(
            len(one.done.latencies) for (case, _), rounds in self.rounds.items() if case in cases for one in rounds
        )

    def figures(self, case: Case, in_flight: int) -> Figures:
        """The median orders per second of the rounds, and latency percentiles of all orders in milliseconds."""
        rounds = self.rounds[case, in_flight]
        latencies = [1000 * latency for one in rounds for latency in one.done.latencies]
        return Figures(
            statistics.median(one.per_second for one in rounds), *(percentile(latencies, p) for p in (50, 95, 99))
        )

    def ratio(self, case: Case, to: Case, in_flight: int) -> float:
        """Orders per second of one case relative to another."""
        return self.figures(case, in_flight).per_second / self.figures(to, in_flight).per_second

    def drained(self, case: Case, in_flight: int) -> float:
        """The median drain time of the rounds, in seconds."""
        return statistics.median(one.drained for one in self.rounds[case, in_flight])

    def milliseconds(self, case: Case, in_flight: int) -> dict[str, float]:
        """Processor milliseconds per order by part: medians of rounds.

        `worker` is the application's process including API and driver. `api` is the difference between an order over
        REST and one placed inside that process.
        """
        found = {part: self._median(case, in_flight, part) for part in self.parts}
        if case is Case.REST and found:
            without_http = self._median(Case.SAGA, in_flight, "worker")
            found |= {"worker": min(without_http, found["worker"]), "api": max(0.0, found["worker"] - without_http)}
        return found

    def _median(self, case: Case, in_flight: int, part: str) -> float:
        return statistics.median(one.milliseconds_per_order(part) for one in self.rounds[case, in_flight])


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile by the nearest-rank method; `percent` from 0 to 100."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


@dataclass(frozen=True)
class Target:
    """A target and the measured value."""

    description: str
    measured: float
    met: bool


def targets(results: Results) -> list[Target]:
    """The four targets; needs the levels 1 and 16."""
    definitions = [
        ("saga at least 1.7 times the floor at 16 in flight", Case.SAGA, Case.FLOOR, 1.7),
        ("rest at least 1.3 times the floor at 16 in flight", Case.REST, Case.FLOOR, 1.3),
        ("hot at least 0.95 times the saga at 16 in flight", Case.HOT, Case.SAGA, 0.95),
    ]
    ratios = [(description, results.ratio(case, to, 16), least) for description, case, to, least in definitions]
    alone = results.figures(Case.REST, 1).p50_ms
    return [
        *(Target(description, measured, measured >= least) for description, measured, least in ratios),
        Target("rest at 1 in flight: p50 at most 60 ms", alone, alone <= 60),
    ]
