"""`python -m benchmarks peers`: our saga, the same steps on DBOS, and Temporal with five regular activities.

All use the same PostgreSQL, Temporal and payment stand-in in one run. The peers' tables are simplified, and they send
no e-mails and write no timeline: they do less than our saga, whose processor time includes three e-mails an order.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from benchmarks.aims import Aim, aims_table, at_least
from benchmarks.measuring import measure
from benchmarks.peers import five_activities
from benchmarks.peers.dbos_driver import DbosDriver
from benchmarks.peers.steps import Shop
from benchmarks.plan import Case, Cell, Plan, warm_up
from benchmarks.process import Driver, RoundDriver
from benchmarks.provenance import Provenance
from benchmarks.report import figures_table, load_by_others, make_console
from benchmarks.results import Results
from benchmarks.results_file import cell_as_json, write
from benchmarks.running_system import RunningSystem, running_system
from sandbox.layout import ROOT
from sandbox.standins.running import StandIns, running_stand_ins

#: The environment of requirements/peers.txt.
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
CELLS = tuple(Cell(case, in_flight) for in_flight in (16, 64) for case in (Case.SAGA, Case.DBOS, Case.FIVE))
FULL = Plan(rounds=6, seconds=4, cells=CELLS)
#: Checks that everything works; too short for results.
QUICK = Plan(rounds=1, seconds=0.5, cells=CELLS)


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write the results; 1 when the environment of the peers is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="check that everything works; no evaluation")
    parser.add_argument(
        "--results", type=Path, default=Path("bench-peers.json"), help="file for the results (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    if not PYTHON.exists():
        print("benchmarks: the environment .venv-peers is missing: run `make bench-peers`", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="market-peers-") as folder:
        plan = QUICK if options.quick else FULL
        _run(make_console(), Path(folder), plan, options.results, evaluated=not options.quick)
    return 0


def _run(console: Console, folder: Path, plan: Plan, path: Path, *, evaluated: bool) -> None:
    console.print("Starting PostgreSQL, Temporal, the stand-ins, the application and the peers …")
    with running_system(folder / "data", plan.slots) as ours, with_peers(ours, folder) as system:
        provenance = Provenance.of(system.database, system.temporal, dbos=_version(system))
        console.print(provenance.summary)
        measure(console, system, warm_up(plan), "Warming up")
        results = measure(console, system, plan, "Measuring")
    claims = evaluated and not results.noisy
    console.print(figures_table(results, {}, ratios=False))
    console.print(load_by_others(results))
    if claims:
        console.print(aims_table([_aim(results)]))
    write(asdict(provenance) | _as_json(results, claims=claims), path)
    console.print(f"Results in {path}.")


@contextmanager
def with_peers(system: RunningSystem, folder: Path) -> Iterator[RunningSystem]:
    """The system with the drivers of both peers. Raises NotMeasured.

    The peers charge at stand-ins of their own: webhooks of their payments would be refused by our API, and repeated.
    """
    namespace = system.stack.settings.temporal_namespace
    with ExitStack() as running:
        stand_ins = running.enter_context(running_stand_ins(data_dir=folder / "peers"))
        shop = _shop(system, stand_ins)
        five = Driver("five", os.environ, folder / "five.log", five_activities.run, shop, system.temporal, namespace)
        peers: dict[Case, RoundDriver] = {
            Case.FIVE: running.enter_context(five),
            Case.DBOS: running.enter_context(DbosDriver(PYTHON, folder / "dbos.log", shop)),
        }
        yield replace(system, peers=peers, more={"stand-ins": stand_ins.process.pid})


def _version(system: RunningSystem) -> str:
    driver = system.peers[Case.DBOS]
    assert isinstance(driver, DbosDriver)
    return driver.version


def _shop(system: RunningSystem, stand_ins: StandIns) -> Shop:
    settings = stand_ins.settings
    return Shop(
        database=system.database,
        payments=urlsplit(stand_ins.url).netloc,
        credentials=f"{settings['YOOKASSA_SHOP_ID']}:{settings['YOOKASSA_SECRET_KEY']}",
        card=system.shop.card,
        products=[str(product_id) for product_id in system.shop.products],
    )


def _aim(results: Results) -> Aim:
    return at_least("saga ÷ dbos, 16 in flight", results.ratio(Case.SAGA, Case.DBOS, 16), 1.05, 1.3)


def _as_json(results: Results, *, claims: bool) -> dict[str, object]:
    cases: dict[str, dict[str, object]] = {}
    for cell in results.rounds:
        cases.setdefault(cell.case, {})[str(cell.in_flight)] = cell_as_json(results, cell, ratio=False)
    aim = _aim(results)
    return {
        "others_cores": round(results.others, 3),
        "noisy": results.noisy,
        "cases": cases,
        "aims": [asdict(aim) | {"outcome": aim.outcome}] if claims else None,
    }
