"""Cases alternate, so that changes of the machine's speed affect all cases equally."""

from __future__ import annotations

from collections import Counter

from benchmarks.plan import BENCH, CELLS, FULL, Cell, Plan, warm_up


def test_every_cell_is_measured_equally_often_and_as_early_as_late() -> None:
    steps = Plan(rounds=4, seconds=1).steps
    assert Counter(steps) == dict.fromkeys(CELLS, 4)
    positions = {cell: [at for at, step in enumerate(steps) if step == cell] for cell in CELLS}
    assert {sum(at) for at in positions.values()} == {2 * (len(steps) - 1)}


def test_cells_alternate_also_between_numbers_in_flight() -> None:
    first, second = FULL.steps[: len(CELLS)], FULL.steps[len(CELLS) : 2 * len(CELLS)]
    assert first == list(CELLS)
    assert second == list(reversed(CELLS))
    assert {cell.in_flight for cell in first} == {1, 16, 64}


def test_warm_up_runs_every_case() -> None:
    assert set(warm_up(FULL).cells) == {Cell(case, 16) for case in BENCH}
    assert warm_up(FULL).rounds == 2


def test_full_run_takes_between_150_and_240_seconds() -> None:
    assert 150 <= len(FULL.steps) * FULL.seconds <= 240
