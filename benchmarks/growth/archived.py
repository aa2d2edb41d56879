"""`python -m benchmarks growth --archive N`: what archiving old orders takes out of the tables of new ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.growth.old_orders import OldOrders
from benchmarks.plan import Case, Round
from benchmarks.provenance import Provenance
from benchmarks.results_file import write
from benchmarks.running_system import RunningSystem, running_system
from services import db
from services.archive.archive import OrderArchive
from services.archived_rows import TABLES, twin
from services.reconcile.tables import check_tables

MIB = 1024 * 1024
#: Old orders are 30 s apart from 400 days ago: all of a million are older than this.
BEFORE = timedelta(days=31)
_BYTES = "SELECT coalesce(sum(pg_table_size(t)), 0), coalesce(sum(pg_indexes_size(t)), 0) FROM unnest(%s::regclass[]) t"
_NO_RECIPIENTS = "UPDATE notifications.notifications SET recipient = NULL, budget_subject = NULL WHERE created_at < %s"


@dataclass(frozen=True)
class Bytes:
    """Bytes on disk."""

    tables: int
    indexes: int


@dataclass(frozen=True)
class Archived:
    """Sizes of the tables that orders are written to, and of the archive; seconds of the move and of the checks."""

    orders: int
    seconds: float
    before: Bytes
    #: after VACUUM: pages that orders left can be used again, and stay on disk
    vacuumed: Bytes
    #: after VACUUM FULL
    compact: Bytes
    archive: Bytes
    check_before: float
    check_after: float


@contextmanager
def warm_system(console: Console, folder: Path) -> Iterator[tuple[RunningSystem, Provenance]]:
    """A running system that has processed some orders, and what it was measured on. Raises NotMeasured."""
    console.print("Starting PostgreSQL, Temporal, the stand-ins and the application …")
    with running_system(folder / "data", 1) as system:
        provenance = Provenance.of(system.database, system.temporal)
        console.print(provenance.summary)
        system.measure(Round(Case.SAGA, 1, 0.5))
        system.wait_until_drained()
        yield system, provenance


def run(console: Console, folder: Path, count: int, path: Path) -> None:
    """Make so many old orders, archive them, print the figures and write them to a file. Raises NotMeasured."""
    with warm_system(console, folder) as (system, provenance):
        OldOrders(system.connection, system.shop.products).grow_to(count, lambda _: None)
        archived = measure_archive(system)
    console.print(_table(archived))
    console.print(
        f"{archived.orders:,} orders archived in {archived.seconds:.1f} s. Invariants of the tables:"
        f" {archived.check_before:.2f} s before, {archived.check_after:.2f} s after."
    )
    write(asdict(provenance) | {"archive": asdict(archived)}, path)
    console.print(f"Results in {path}.")


def measure_archive(system: RunningSystem) -> Archived:
    """Archive the old orders of a system."""
    connection, before = system.connection, datetime.now(UTC) - BEFORE
    forget_recipients(connection)
    _rewrite(connection)
    with closing(db.connect(system.database, pool_size=1)) as database:
        sizes, check_before = _bytes(connection, [*TABLES]), _check(database)
        archive, orders, after, started = OrderArchive(database), 0, None, time.monotonic()
        while (batch := archive.move_batch(before, after)).last:
            orders, after = orders + batch.orders, batch.last
        seconds = time.monotonic() - started
        connection.execute("VACUUM (ANALYZE)")
        vacuumed, check_after = _bytes(connection, [*TABLES]), _check(database)
    _rewrite(connection)
    archived = _bytes(connection, [twin(table) for table in TABLES])
    compact = _bytes(connection, [*TABLES])
    return Archived(orders, seconds, sizes, vacuumed, compact, archived, check_before, check_after)


def forget_recipients(connection: psycopg.Connection) -> None:
    """Delete the recipients of old messages, as the retention does: their orders are not archived before."""
    connection.execute(_NO_RECIPIENTS, [datetime.now(UTC) - BEFORE])


def _rewrite(connection: psycopg.Connection) -> None:
    for table in TABLES:
        connection.execute(f"VACUUM (FULL, ANALYZE) {table}".encode())
        connection.execute(f"VACUUM (ANALYZE) {twin(table)}".encode())


def _bytes(connection: psycopg.Connection, tables: list[str]) -> Bytes:
    row = connection.execute(_BYTES, [tables]).fetchone()
    assert row is not None
    return Bytes(int(row[0]), int(row[1]))


def _check(database: db.Database) -> float:
    """Seconds of one check of the tables, the better of two."""
    times = []
    for _ in range(2):
        started = time.monotonic()
        check_tables(database)
        times.append(time.monotonic() - started)
    return min(times)


def _table(archived: Archived) -> Table:
    table = Table("MiB", "tables", "indexes", title="Bytes on disk")
    for name, size in (
        ("before", archived.before),
        ("archived, VACUUM", archived.vacuumed),
        ("archived, VACUUM FULL", archived.compact),
        ("the archive", archived.archive),
    ):
        table.add_row(name, f"{size.tables / MIB:.1f}", f"{size.indexes / MIB:.1f}")
    return table
