"""What a rate needs: it grows with the rate and the costs, and nothing is added to what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.cluster.capacity import Costs, lines
from benchmarks.cluster.model import Network

PARTS = {"api": 12.0, "worker": 30.0, "temporal": 40.0, "postgres": 2.0, "client": 4.0}
BACKENDS = {"postgres: market": 8.0, "postgres: temporal": 12.0, "postgres: temporal_visibility": 6.0}
STORED = {
    "commits: market": 6.0,
    "commits: temporal": 20.0,
    "bytes: WAL": 100_000.0,
    "bytes: market": 5_000.0,
    "bytes: temporal": 10_000.0,
    "bytes: temporal_visibility": 40_000.0,
}
RATES = {number: Network(2, 60, 54, 20).at(number)[0] for number in (1, 4, 16, 64)}
COSTS = Costs(PARTS | BACKENDS, STORED, RATES, 2.0)


def row(costs: Costs, rate: str) -> list[str]:
    """The cells of a rate."""
    (found,) = (line for line in lines(costs) if line.startswith(f"| {rate} |") and line.count("|") == 11)
    return [cell.strip() for cell in found.strip("| ").split("|")]


def test_the_needs_of_a_rate() -> None:
    cells = row(COSTS, "100")[:-1]
    assert cells == ["100", "2", "5", "6.7", "1.5, 3.2", "2,600", "10.0", "43.2", "1,296"]


def test_a_part_has_two_processes_at_least() -> None:
    assert row(COSTS, "10")[1:3] == ["2", "2"]


def test_twice_the_cost_needs_twice_the_processes() -> None:
    dearer = replace(COSTS, processor_ms={**COSTS.processor_ms, "worker": 60.0})
    assert row(dearer, "1,000")[2] == "100"
    assert row(COSTS, "1,000")[2] == "50"


def test_the_mean_time_is_never_below_the_work_on_the_way() -> None:
    assert all(float(row(COSTS, rate)[-1]) > 60 for rate in ("10", "100", "1,000"))


def test_the_model_is_shown_with_its_errors() -> None:
    (alone,) = (line for line in lines(COSTS) if line.startswith("| 1 |"))
    assert float(alone.split("|")[2]) == pytest.approx(RATES[1], abs=0.06)
    assert alone.rstrip(" |").endswith("%")
