"""Figures are computed from rounds; a run with much load by others is noisy."""

from __future__ import annotations

import pytest

from benchmarks.plan import ALONE, Case, Cell
from benchmarks.results import Results, percentile
from tests.benchmarks.builders import a_round

SAGA = Cell(Case.SAGA, 16)
REST = Cell(Case.REST, 16)


def test_percentiles_are_measured_values() -> None:
    assert [percentile(range(1, 101), percent) for percent in (50, 95, 99)] == [50, 95, 99]
    assert percentile([7.0], 99) == 7.0
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0


def test_figures_are_median_of_rounds_and_percentiles_of_all_orders() -> None:
    results = Results()
    for orders, elapsed, latency in ((10, 1.0, 0.1), (30, 1.0, 0.2), (20, 1.0, 0.3)):
        results.add(SAGA, a_round(orders, elapsed, latency=latency))
    figures = results.figures(SAGA)
    assert (figures.per_second, figures.p50_ms, figures.p95_ms) == (20.0, 200.0, 300.0)
    assert results.orders(Case.SAGA) == 60
    assert results.orders(Case.REST) == 0


def test_api_time_is_the_additional_time_of_rest_orders() -> None:
    results = Results()
    results.add(SAGA, a_round(10, worker=0.3))
    results.add(REST, a_round(10, worker=0.4))
    assert results.milliseconds(SAGA)["worker"] == pytest.approx(30)
    rest = results.milliseconds(REST)
    assert rest["worker"] == pytest.approx(30)
    assert rest["api"] == pytest.approx(10)
    assert results.milliseconds_of_all(REST) == pytest.approx(40)


def test_rest_alone_has_no_api_time_because_no_saga_was_measured_alone() -> None:
    results = Results()
    results.add(ALONE, a_round(10, worker=0.4))
    results.add(SAGA, a_round(10, worker=0.3))
    assert "api" not in results.milliseconds(ALONE)
    assert results.milliseconds(ALONE)["worker"] == pytest.approx(40)


@pytest.mark.parametrize(("others", "noisy"), [(0.75, False), (0.8, True)])
def test_more_than_three_tenths_of_a_core_used_by_others_are_noisy(others: float, noisy: bool) -> None:
    results = Results()
    results.add(SAGA, a_round(others=others))  # rounds of 1 s and 0.25 s of draining
    results.add(REST, a_round(others=0.0))
    assert results.others == pytest.approx(others / 2.5)
    assert results.noisy is noisy
