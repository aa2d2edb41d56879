"""Cases alternate, so that changes of the machine's speed affect all cases equally."""

from __future__ import annotations

from collections import Counter

from benchmarks.plan import FULL, Case, Plan


def test_every_case_is_measured_equally_often_and_is_equally_often_first() -> None:
    steps = Plan(rounds=4, seconds=1, in_flight=(1, 16)).steps
    assert Counter(steps) == {(level, case): 4 for level in (1, 16) for case in Case}
    assert [case for _, case in steps[:16:4]] == list(Case)
    assert [level for level, _ in steps] == [1] * 16 + [16] * 16


def test_full_run_takes_between_150_and_240_seconds() -> None:
    assert 150 <= len(FULL.steps) * FULL.seconds <= 240
