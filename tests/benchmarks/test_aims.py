"""Aims are reached at their limit and missed below it."""

from __future__ import annotations

from benchmarks.aims import aims_of
from benchmarks.plan import Case
from tests.benchmarks.builders import full_results


def outcomes(*, floor: int, saga: int, rest: int, hot: int, alone: float, worker: float) -> list[str]:
    rates = {Case.FLOOR: floor, Case.SAGA: saga, Case.REST: rest, Case.HOT: hot}
    return [aim.outcome for aim in aims_of(full_results(rates, alone=alone, worker=worker))]


def test_aims_are_reached_at_their_limits() -> None:
    found = outcomes(floor=1000, saga=1650, rest=1500, hot=1568, alone=0.032, worker=38e-3 * 1650)
    assert found == ["reached", "reached", "beyond", "reached", "reached", "reached", "reached"]


def test_aims_beyond_are_named() -> None:
    found = outcomes(floor=1000, saga=2000, rest=1800, hot=2000, alone=0.025, worker=30e-3 * 2000)
    assert found == ["beyond"] * 7


def test_aims_are_missed_below_their_limits() -> None:
    found = outcomes(floor=1000, saga=1449, rest=1299, hot=1376, alone=0.0321, worker=38.1e-3 * 1449)
    assert found == ["missed"] * 7
