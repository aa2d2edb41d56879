"""`python -m benchmarks growth --commands 10000,100000`: memory of the commands that read or move all old orders."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.growth.archived import BEFORE, forget_recipients, warm_system
from benchmarks.growth.old_orders import OldOrders
from benchmarks.process import NotMeasured
from benchmarks.processor import highest_mib
from benchmarks.results_file import write
from benchmarks.running_system import RunningSystem
from sandbox.layout import ROOT

#: A command that reads nothing: what Python and the modules take.
_NOTHING = ("attention",)
_RECONCILE = ("reconcile", "--since", "7")
_EXPORT = ("export-products", "products.csv")


@dataclass(frozen=True)
class Run:
    """One command: the highest resident memory of its process, and how long it took."""

    old_orders: int
    command: str
    mib: float
    seconds: float


def run(console: Console, folder: Path, counts: Sequence[int], path: Path) -> None:
    """Make so many old orders, run the commands at each number, archive the orders at the last. Raises NotMeasured."""
    with warm_system(console, folder) as (system, provenance):
        runs = measure_commands(system, folder, counts)
    console.print(_table(runs))
    write(asdict(provenance) | {"commands": [asdict(one) for one in runs]}, path)
    console.print(f"Results in {path}.")


def measure_commands(system: RunningSystem, folder: Path, counts: Sequence[int]) -> list[Run]:
    """The memory of each command with so many old orders. Raises NotMeasured."""
    old, runs = OldOrders(system.connection, system.shop.products), list[Run]()
    before = f"{datetime.now(UTC) - BEFORE - timedelta(days=1):%Y-%m-%d}"
    archive = ("archive", "--before", before)
    for count in counts:
        old.grow_to(count, lambda _: None)
        forget_recipients(system.connection)
        for words in (_NOTHING, _RECONCILE, (*archive, "--dry-run"), _EXPORT):
            runs.append(_measured(system.stack.environment, folder, count, words))
    runs.append(_measured(system.stack.environment, folder, counts[-1], archive))
    return runs


def _measured(environment: Mapping[str, str], folder: Path, count: int, words: Sequence[str]) -> Run:
    argv, started, mib = [sys.executable, "-m", "services", *words], time.monotonic(), 0.0
    env = {**environment, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(argv, env=env, cwd=folder, stdout=output, stderr=output)
        # Not from wait4: what it reports begins with the memory of the process that started the command.
        while process.poll() is None:
            mib = max(mib, highest_mib(process.pid))
            time.sleep(0.02)
        output.seek(0)
        if process.returncode != 0:
            raise NotMeasured(f"{' '.join(words)} exits with {process.returncode}: {output.read()[-2000:]}")
    return Run(count, f"{words[0]} {words[-1]}", mib, time.monotonic() - started)


def _table(runs: Sequence[Run]) -> Table:
    table = Table("old orders", "command", "at most, MiB", "took, s", title="Memory of commands")
    for one in runs:
        table.add_row(f"{one.old_orders:,}", one.command, f"{one.mib:.0f}", f"{one.seconds:.1f}")
    return table
