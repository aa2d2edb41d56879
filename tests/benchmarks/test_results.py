"""Figures are computed from rounds, and targets are evaluated with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.plan import Case, Done, Plan
from benchmarks.results import Measured, Results, Target, percentile, targets

PARTS = ("server", "worker", "database", "sandbox", "client")


def measured(orders: int, elapsed: float, *, worker: float = 1.0, latency: float = 0.05) -> Measured:
    processor = dict.fromkeys(PARTS, 0.0) | {"worker": worker}
    return Measured(Done([latency] * orders, elapsed), 0.25, processor)


def results_with(per_second: dict[Case, int], *, alone: float = 0.05) -> Results:
    results = Results()
    for level in (1, 16):
        for case, orders in per_second.items():
            results.add(case, level, measured(orders, 1.0, latency=alone))
    return results


def test_percentiles_are_measured_values() -> None:
    assert [percentile(range(1, 101), percent) for percent in (50, 95, 99)] == [50, 95, 99]
    assert percentile([7.0], 99) == 7.0
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0


def test_figures_are_median_of_rounds_and_percentiles_of_all_orders() -> None:
    results = Results()
    for orders, elapsed, latency in ((10, 1.0, 0.1), (30, 1.0, 0.2), (20, 1.0, 0.3)):
        results.add(Case.SAGA, 16, measured(orders, elapsed, latency=latency))
    figures = results.figures(Case.SAGA, 16)
    assert (figures.per_second, figures.p50_ms, figures.p95_ms) == (20.0, 200.0, 300.0)
    assert results.orders(Case.SAGA) == 60
    assert results.orders(Case.REST) == 0


def test_api_time_is_the_additional_time_of_rest_orders() -> None:
    results = Results()
    results.add(Case.SAGA, 16, measured(10, 1.0, worker=0.3))
    results.add(Case.REST, 16, measured(10, 1.0, worker=0.4))
    assert results.milliseconds(Case.SAGA, 16)["worker"] == pytest.approx(30)
    rest = results.milliseconds(Case.REST, 16)
    assert rest["worker"] == pytest.approx(30)
    assert rest["api"] == pytest.approx(10)


def test_targets_are_met_at_the_limit_and_missed_below() -> None:
    met = results_with({Case.SAGA: 170, Case.FLOOR: 100, Case.REST: 130, Case.HOT: 162}, alone=0.06)
    assert [target.met for target in targets(met)] == [True] * 4
    missed = results_with({Case.SAGA: 169, Case.FLOOR: 100, Case.REST: 129, Case.HOT: 160}, alone=0.061)
    assert [target.met for target in targets(missed)] == [False] * 4
    assert targets(missed)[0] == Target("saga at least 1.7 times the floor at 16 in flight", 1.69, False)


def test_bench_json_has_every_case_at_every_level(tmp_path: Path) -> None:
    results = results_with(dict.fromkeys(Case, 50))
    found = report.as_json(results, Plan(1, 1, (1, 16)), report.machine(), {"server": 20.0})
    path = report.write(found, tmp_path / "new")
    read = json.loads(path.read_text())
    assert path == tmp_path / "new" / "bench.json"
    assert {case: list(read[case]) for case in Case} == {case: ["1", "16"] for case in Case}
    assert read["saga"]["16"] == {"per_second": 50.0, "p50_ms": 50.0, "p95_ms": 50.0, "p99_ms": 50.0}
    assert read["cpu_ms_per_order"]["saga"]["16"]["worker"] == 20.0
    assert read["versions"]["temporalio"]
