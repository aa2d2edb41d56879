"""Measured rounds and results for tests of benchmarks."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.plan import ALONE, CELLS, Case, Done
from benchmarks.results import Measured, Results

PARTS = ("worker", "temporal", "postgres", "stand-ins", "client")


def a_round(
    orders: int = 50, elapsed: float = 1.0, *, worker: float = 1.0, latency: float = 0.05, others: float = 0.0
) -> Measured:
    """A round with a drain time of 0.25 s; `worker` and `others` in processor seconds, `latency` in seconds."""
    processor = dict.fromkeys(PARTS, 0.0) | {"worker": worker}
    return Measured(Done([latency] * orders, elapsed), 0.25, processor, others)


def full_results(per_second: Mapping[Case, int], *, alone: float = 0.05, worker: float = 1.0) -> Results:
    """Results of one round of every cell of a full run; `alone` is the latency in seconds of REST alone."""
    results = Results()
    for cell in CELLS:
        latency = alone if cell == ALONE else 0.5
        results.add(cell, a_round(per_second[cell.case], worker=worker, latency=latency))
    return results
