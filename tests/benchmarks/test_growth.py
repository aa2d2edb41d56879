"""The short form of `make bench-growth`: a thousand old orders on a real system."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.console import Console

from benchmarks.growth import backlog
from benchmarks.growth.archived import measure_archive
from benchmarks.growth.command import QUICK, growth_as_json, measure_growth
from benchmarks.growth.lines import rows_of_order
from benchmarks.growth.old_orders import OldOrders
from benchmarks.growth.report import Growth, Size, show
from benchmarks.plan import Case, Cell, Round
from benchmarks.report import WIDTH
from benchmarks.results import Results
from benchmarks.running_system import RunningSystem, running_system
from tests.benchmarks.builders import a_round


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    folder = tmp_path_factory.mktemp("growth") / "data"
    with running_system(folder, QUICK.plan.slots, explain=True) as running:
        yield running


def test_short_form_measures_an_order_its_statements_the_tables_and_the_backlogs(system: RunningSystem) -> None:
    output = Console(width=WIDTH, file=io.StringIO(), record=True)
    growth = measure_growth(output, system, QUICK)
    (size,) = growth.sizes
    assert [cell.case for cell in size.results.rounds] == [Case.FLOOR, Case.SAGA, Case.REST]
    assert {"orders.orders": 1000}.items() <= {table.name: table.rows // 1000 * 1000 for table in size.tables}.items()
    took = [one for one in size.statements if "reservations.stocks" in " ".join(one.scans) and one.calls > 1]
    assert took, "the statement that takes stock is on the path of an order"
    assert 0 < growth.dispatch.done <= 1000
    # 500 holds a sweep, one sweep a minute
    # A sweep goes on while a full batch is due, so one of them ends this backlog.
    assert (growth.sweep.done, growth.sweep.minutes) == (1000, 1.0)
    show(output, growth)
    assert "sweep of expired holds" in output.export_text()
    assert json.loads(json.dumps(growth_as_json(growth, claims=False)))["sizes"][0]["old_orders"] == 1000


def test_old_orders_leave_the_tables_consistent(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_system(tmp_path_factory.mktemp("old") / "data", 1) as system:
        system.measure(Round(Case.SAGA, 1, 0.1))
        system.measure(Round(Case.REST, 1, 0.1, lines=7))
        system.wait_until_drained()
        assert rows_of_order(system.connection, 7)["orders.lines"] > rows_of_order(system.connection, 2)["orders.lines"]
        placed, made = system.statuses()["confirmed"], list[int]()
        old = OldOrders(system.connection, system.shop.products)
        old.grow_to(30, made.append)
        old.grow_to(50, made.append)
        assert made == [30, 50]
        assert system.statuses() == {"confirmed": placed + 50}
        assert system.messages() == {"sent": 3 * (placed + 50)}
        assert system.broken_invariants() == []

        archived = measure_archive(system)
        assert archived.orders == 50
        assert archived.compact.tables < archived.before.tables
        assert archived.archive.indexes > 0
        assert system.statuses() == {"confirmed": placed}
        assert system.broken_invariants() == []


@pytest.mark.parametrize(("last", "outcome"), [(51.0, "beyond"), (54.9, "reached"), (56.0, "missed")])
def test_growth_is_the_processor_time_of_the_largest_size_to_the_smallest(last: float, outcome: str) -> None:
    sizes = []
    for old_orders, worker in ((10_000, 50.0), (1_000_000, last)):
        results = Results()
        results.add(Cell(Case.SAGA, 16), a_round(1000, worker=worker))
        sizes.append(Size(old_orders, results, [], []))
    work = backlog.Work(1, 1, 1.0, 1.0, 1.0)
    aim = Growth(sizes, work, backlog.OrdersMeanwhile(1.0, 1.0, 1.0), work).aim
    assert (aim.outcome, aim.description[:38]) == (outcome, "CPU an order, 1,000,000 ÷ 10,000 old o")


def test_one_noisy_size_makes_the_run_noisy() -> None:
    quiet, noisy = Results(), Results()
    quiet.add(Cell(Case.SAGA, 16), a_round())
    noisy.add(Cell(Case.SAGA, 16), a_round(others=5.0))
    work = backlog.Work(1, 1, 1.0, 1.0, 1.0)
    growth = Growth([Size(1, quiet, [], [])], work, backlog.OrdersMeanwhile(1.0, 1.0, 1.0), work)
    assert not growth.noisy
    assert replace(growth, sizes=[*growth.sizes, Size(2, noisy, [], [])]).noisy
