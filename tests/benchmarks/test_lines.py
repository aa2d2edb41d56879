"""An order by its lines: rounds alternate, what the idle system takes is no cost of an order."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import pytest
from rich.console import Console

from benchmarks.growth.lines import (
    ALONE,
    FULL,
    REST,
    SAGA,
    OfLines,
    Written,
    as_json,
    net_of_idle,
    show,
    steps,
)
from benchmarks.report import WIDTH
from tests.benchmarks.builders import PARTS, a_round


def test_every_number_of_lines_is_measured_as_early_as_late() -> None:
    counts = (1, 2, 500)
    order = list(steps(counts, FULL))
    positions = {count: [at for at, step in enumerate(order) if step[0] == count] for count in counts}
    assert {sum(at) for at in positions.values()} == {sum(range(len(order))) // len(counts)}
    assert len(order) == len(set(order)) * FULL.rounds


def test_the_processor_time_of_the_idle_system_is_no_cost_of_an_order() -> None:
    # a round of 1 s with a drain time of 0.25 s
    measured = net_of_idle(a_round(50, worker=1.0), {**dict.fromkeys(PARTS, 8.0), "worker": 80.0})
    assert measured.processor == pytest.approx({**dict.fromkeys(PARTS, 0.0), "worker": 0.9})


def test_report_has_what_one_more_line_adds() -> None:
    output = Console(width=WIDTH, file=io.StringIO(), record=True)
    # the saga takes 20 and 40 ms of the worker, over REST the same and 10 ms more: the API
    measured = [_of_lines(1, worker=1.0), _of_lines(501, worker=2.0)]
    show(output, measured)
    text = output.export_text()
    assert next(line.split()[:5] for line in text.splitlines() if line.split()[:1] == ["501"]) == [
        "501",
        "100",
        "50",
        "40.0",
        "10.0",
    ]
    assert "A line adds 0.040 ms of CPU, 100 bytes of WAL and 10 bytes of rows." in text
    found = json.loads(json.dumps(as_json(measured)))
    assert [one["written"]["transactions"] for one in found] == [6.0, 6.0]


def _of_lines(lines: int, *, worker: float) -> OfLines:
    rows: Mapping[str, int] = {"orders.orders": 500, "orders.lines": 10 * lines}
    one = OfLines(lines, rows=rows)
    nothing = Written(0, 0)
    one.add(ALONE, a_round(50), nothing)
    one.add(SAGA, a_round(50, worker=worker), nothing)
    one.add(REST, a_round(50, worker=worker + 0.5), Written(300, 50 * (1000 + 100 * lines)))
    return one
