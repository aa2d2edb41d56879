"""`python -m benchmarks growth`: cost of an order, plans and sizes with many old orders; work with a backlog."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console

from benchmarks.aims import aims_table
from benchmarks.growth import archived, backlog, commands, lines
from benchmarks.growth.hot_statements import Statement, hot_statements, large_tables, logged_plans
from benchmarks.growth.old_orders import OldOrders
from benchmarks.growth.report import Growth, Size, show
from benchmarks.growth.tables import table_sizes
from benchmarks.measuring import measure
from benchmarks.plan import Case, Cell, Plan, Round, warm_up
from benchmarks.provenance import Provenance
from benchmarks.report import load_by_others, make_console
from benchmarks.results_file import cell_as_json, write
from benchmarks.running_system import RunningSystem, running_system

CELLS = tuple(Cell(case, 16) for case in (Case.FLOOR, Case.SAGA, Case.REST))


@dataclass(frozen=True)
class Extent:
    """How much is measured: numbers of old orders, size of the backlog, rounds, and seconds of a dispatch."""

    sizes: tuple[int, ...]
    backlog: int
    plan: Plan
    seconds: float


FULL = Extent((10_000, 100_000, 1_000_000), 100_000, Plan(6, 4, CELLS), 20)
#: Checks that everything works; too short for results.
QUICK = Extent((1000,), 1000, Plan(1, 0.5, CELLS), 1)


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write the results; 0 when everything was measured."""
    options = _options(arguments)
    extent = QUICK if options.quick else FULL
    extent = replace(extent, sizes=options.sizes or extent.sizes, backlog=options.backlog or extent.backlog)
    console = make_console()
    with tempfile.TemporaryDirectory(prefix="market-growth-") as folder:
        if options.archive:
            archived.run(console, Path(folder), options.archive, options.results)
        elif options.commands:
            commands.run(console, Path(folder), options.commands, options.results)
        elif options.lines:
            plan = lines.QUICK if options.quick else lines.FULL
            lines.run(console, Path(folder), options.lines, options.results, plan)
        else:
            _run(console, Path(folder), extent, options.results, evaluated=not options.quick)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="check that everything works; no evaluation")
    parser.add_argument("--sizes", type=_sizes, help="numbers of old orders (default: 10000,100000,1000000)")
    parser.add_argument("--backlog", type=int, help="events and holds in the backlogs (default: 100000)")
    parser.add_argument("--archive", type=int, metavar="N", help="instead: archive N old orders, and compare sizes")
    parser.add_argument(
        "--commands", type=_sizes, metavar="SIZES", help="instead: memory of reconcile, archive and export-products"
    )
    parser.add_argument("--lines", type=_sizes, help="instead: the cost of an order with so many lines (1,2,10,50)")
    parser.add_argument(
        "--results", type=Path, default=Path("bench-growth.json"), help="file for the results (default: %(default)s)"
    )
    return parser.parse_args(arguments)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(size) for size in text.split(",")))


def _run(console: Console, folder: Path, extent: Extent, path: Path, *, evaluated: bool) -> None:
    console.print("Starting PostgreSQL, Temporal, the stand-ins and the application …")
    with running_system(folder / "data", extent.plan.slots, explain=True) as system:
        provenance = Provenance.of(system.database, system.temporal)
        console.print(provenance.summary)
        growth = measure_growth(console, system, extent)
    show(console, growth)
    for size in growth.sizes:
        console.print(f"{size.old_orders:,} old orders. {load_by_others(size.results)}")
    claims = evaluated and not growth.noisy
    if claims:
        console.print(aims_table([growth.aim]))
    write(asdict(provenance) | growth_as_json(growth, claims=claims), path)
    console.print(f"Results in {path}.")


def measure_growth(console: Console, system: RunningSystem, extent: Extent) -> Growth:
    """Measure every size, then the backlogs. Raises NotMeasured."""
    measure(console, system, warm_up(extent.plan), "Warming up")
    old = OldOrders(system.connection, system.shop.products)
    sizes = []
    for size in extent.sizes:
        _grow(console, old, size, extent.sizes[-1])
        results = measure(console, system, extent.plan, f"{size:,} old orders")
        sizes.append(Size(size, results, _statements(system), table_sizes(system.connection)))
    console.print("Measuring dispatch and sweep with a backlog …")
    dispatch, meanwhile = backlog.dispatch(system, extent.backlog, extent.seconds)
    return Growth(sizes, dispatch, meanwhile, backlog.sweep(system, extent.backlog))


def _grow(console: Console, old: OldOrders, size: int, largest: int) -> None:
    before, started = old.count, time.monotonic()

    def made(count: int) -> None:
        pace = (time.monotonic() - started) / (count - before)
        rest = f"{pace * (size - count):,.0f} s left for {size:,}, {pace * (largest - count):,.0f} s for {largest:,}"
        console.print(f"made {count:,} old orders; about {rest}", end="\r" if console.is_terminal else "\n")

    old.grow_to(size, made)
    console.print(f"made {size:,} old orders in {time.monotonic() - started:,.0f} s{' ' * 60}")


def _statements(system: RunningSystem) -> list[Statement]:
    with logged_plans(system.connection, system.database_log) as plans:
        for case in (Case.SAGA, Case.REST):
            system.measure(Round(case, 4, 1))
        system.wait_until_drained()
    return hot_statements(plans, large_tables(system.connection))


def growth_as_json(growth: Growth, *, claims: bool) -> dict[str, object]:
    """All of a run for the results file; the aim only if the run `claims` something."""
    return {
        "noisy": growth.noisy,
        "sizes": [
            {
                "old_orders": size.old_orders,
                "others_cores": round(size.results.others, 3),
                "cases": {cell.case: cell_as_json(size.results, cell, ratio=claims) for cell in size.results.rounds},
                "statements": [asdict(statement) for statement in size.statements],
                "tables": [asdict(table) for table in size.tables],
            }
            for size in growth.sizes
        ],
        "dispatch": asdict(growth.dispatch),
        "orders_meanwhile": asdict(growth.orders_meanwhile),
        "sweep": asdict(growth.sweep),
        "aims": [asdict(growth.aim) | {"outcome": growth.aim.outcome}] if claims else None,
    }
