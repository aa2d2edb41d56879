"""Results from rounds: medians of rounds, percentiles of all orders, ratios, and the load by others."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.plan import Case, Cell, Done

#: Processor cores used by others above which a run claims nothing.
QUIET = 0.3


@dataclass(frozen=True)
class Measured:
    """A measured round with its drain time and processor time."""

    done: Done
    #: seconds after the round until commands, events and messages were drained
    drained: float
    #: processor seconds by part, including the drain time
    processor: Mapping[str, float]
    #: processor seconds of processes that do not belong to this run, in the same time
    others: float

    @property
    def per_second(self) -> float:
        """Orders per second."""
        return len(self.done.latencies) / self.done.elapsed

    @property
    def seconds(self) -> float:
        """Seconds of the round with its drain time."""
        return self.done.elapsed + self.drained

    def milliseconds_per_order(self, part: str) -> float:
        """Processor milliseconds of one part per order."""
        return 1000 * self.processor[part] / len(self.done.latencies)


@dataclass(frozen=True)
class Figures:
    """The figures of a cell."""

    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass
class Results:
    """All measured rounds."""

    rounds: dict[Cell, list[Measured]] = field(default_factory=dict)

    def add(self, cell: Cell, measured: Measured) -> None:
        """Add a round."""
        self.rounds.setdefault(cell, []).append(measured)

    @property
    def parts(self) -> list[str]:
        """Parts with processor times; empty where the system does not provide them."""
        return list(next(iter(self.rounds.values()))[0].processor)

    @property
    def others(self) -> float:
        """Processor cores that others used during the rounds, on average."""
        rounds = [one for measured in self.rounds.values() for one in measured]
        return sum(one.others for one in rounds) / sum(one.seconds for one in rounds)

    @property
    def noisy(self) -> bool:
        """Whether others used so much of the machine that the figures claim nothing."""
        return self.others > QUIET

    def orders(self, *cases: Case) -> int:
        """Number of orders in these cases."""
        return sum(
            len(one.done.latencies) for cell, rounds in self.rounds.items() if cell.case in cases for one in rounds
        )

    def figures(self, cell: Cell) -> Figures:
        """The median orders per second of the rounds, and latency percentiles of all orders in milliseconds."""
        rounds = self.rounds[cell]
        latencies = [1000 * latency for one in rounds for latency in one.done.latencies]
        return Figures(
            statistics.median(one.per_second for one in rounds), *(percentile(latencies, p) for p in (50, 95, 99))
        )

    def ratio(self, case: Case, to: Case, in_flight: int) -> float:
        """Orders per second of one case relative to another."""
        return self.figures(Cell(case, in_flight)).per_second / self.figures(Cell(to, in_flight)).per_second

    def drained(self, cell: Cell) -> float:
        """The median drain time of the rounds, in seconds."""
        return statistics.median(one.drained for one in self.rounds[cell])

    def milliseconds(self, cell: Cell) -> dict[str, float]:
        """Processor milliseconds per order by part: medians of rounds.

        `worker` is the application's process including API and driver. `api` is the difference between an order over
        REST and one placed inside that process, where both were measured.
        """
        found = {part: self._median(cell, part) for part in self.parts}
        without_http = Cell(Case.SAGA, cell.in_flight)
        if cell.case is Case.REST and without_http in self.rounds and found:
            worker = self._median(without_http, "worker")
            found |= {"worker": min(worker, found["worker"]), "api": max(0.0, found["worker"] - worker)}
        return found

    def milliseconds_of_all(self, cell: Cell) -> float:
        """Processor milliseconds per order of all processes together."""
        return sum(self.milliseconds(cell).values())

    def _median(self, cell: Cell, part: str) -> float:
        return statistics.median(one.milliseconds_per_order(part) for one in self.rounds[cell])


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile by the nearest-rank method; `percent` from 0 to 100."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]
