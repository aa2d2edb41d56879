"""`python -m benchmarks growth --lines 1,2,10`: what an order costs by the number of its lines."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.growth.old_orders import TABLES
from benchmarks.measuring import idle, measure_round
from benchmarks.plan import Case, Cell, Plan, Round
from benchmarks.process import NotMeasured
from benchmarks.provenance import Provenance
from benchmarks.results import Measured, Results
from benchmarks.results_file import cell_as_json, write
from benchmarks.running_system import RunningSystem, running_system

#: One order in flight has the latency; of several, REST without the saga is the cost of the API.
ALONE, SAGA, REST = Cell(Case.REST, 1), Cell(Case.SAGA, 4), Cell(Case.REST, 4)
FULL = Plan(4, 3, (ALONE, SAGA, REST))
#: Checks that everything works; too short for results.
QUICK = replace(FULL, rounds=1, seconds=0.5)
#: Products that orders are placed for: more than an order has lines, so that orders differ.
PRODUCTS = 1200
#: Parts whose processor time is printed.
PARTS = ("worker", "api", "temporal", "postgres", "stand-ins")

# A transaction that writes nothing has no id.
_WRITTEN = """
    SELECT cast(cast(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS transactions,
           cast(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bigint) AS wal_bytes"""
_ORDER = """
    SELECT o.id AS order, o.buyer_id AS buyer, p.id AS payment, r.id AS reservation
      FROM orders.orders o JOIN payments.payments p ON p.order_id = o.id
      JOIN reservations.reservations r ON r.order_id = o.id
     WHERE o.status = 'confirmed' AND (SELECT count(*) FROM orders.lines l WHERE l.order_id = o.id) = %s
     ORDER BY o.id DESC LIMIT 1"""


@dataclass(frozen=True)
class Written:
    """What PostgreSQL wrote."""

    #: transactions that wrote something
    transactions: float
    wal_bytes: float


@dataclass
class OfLines:
    """What was measured with one number of lines."""

    lines: int
    #: processor times without what the system takes when there are no orders
    results: Results = field(default_factory=Results)
    #: an order, in each round of several in flight
    written: list[Written] = field(default_factory=list)
    #: bytes of the rows of one order by table, without indexes
    rows: Mapping[str, int] = field(default_factory=dict)

    def add(self, cell: Cell, measured: Measured, written: Written) -> None:
        """Add a round of one case."""
        self.results.add(cell, measured)
        if cell == REST:
            orders = len(measured.done.latencies)
            self.written.append(Written(written.transactions / orders, written.wal_bytes / orders))

    @property
    def an_order(self) -> Written:
        """Medians of the rounds."""
        return Written(
            statistics.median(one.transactions for one in self.written),
            statistics.median(one.wal_bytes for one in self.written),
        )


def run(console: Console, folder: Path, counts: Sequence[int], path: Path, plan: Plan) -> None:
    """Measure orders with these numbers of lines, print the figures and write them to a file. Raises NotMeasured."""
    console.print("Starting PostgreSQL, Temporal, the stand-ins and the application …")
    with running_system(folder / "data", plan.slots, products=PRODUCTS) as system:
        provenance = Provenance.of(system.database, system.temporal)
        console.print(provenance.summary)
        measured = measure_lines(console, system, counts, plan)
        if violations := system.broken_invariants():
            raise NotMeasured(f"{len(violations)} violations, the first: {violations[0]}")
    show(console, measured)
    write(asdict(provenance) | {"rounds": plan.rounds, "seconds": plan.seconds, "lines": as_json(measured)}, path)
    console.print(f"Results in {path}.")


def measure_lines(console: Console, system: RunningSystem, counts: Sequence[int], plan: Plan) -> list[OfLines]:
    """Measure every case with every number of lines, in rounds that alternate. Raises NotMeasured."""
    found = {count: OfLines(count) for count in counts}
    for count in counts:
        for cell in plan.cells:
            measure_round(system, Round(cell.case, cell.in_flight, plan.seconds / 2, count))
    without_orders = idle(system)
    for count, cell in steps(counts, plan):
        before = _written(system.connection)
        measured = measure_round(system, Round(cell.case, cell.in_flight, plan.seconds, count))
        after = _written(system.connection)
        written = Written(after.transactions - before.transactions, after.wal_bytes - before.wal_bytes)
        found[count].add(cell, net_of_idle(measured, without_orders), written)
        console.print(f"{count} lines, {cell.case}, {cell.in_flight} in flight: {measured.per_second:.1f} a second")
    for count in counts:
        found[count].rows = rows_of_order(system.connection, count)
    return list(found.values())


def steps(counts: Sequence[int], plan: Plan) -> Iterator[tuple[int, Cell]]:
    """All rounds in order: everything once, then everything once in reverse, and so on (as `Plan.steps`)."""
    turn = [(count, cell) for count in counts for cell in plan.cells]
    for number in range(plan.rounds):
        yield from turn[:: -1 if number % 2 else 1]


def net_of_idle(measured: Measured, without_orders: Mapping[str, float]) -> Measured:
    """The round without what each part takes when there are no orders, in processor milliseconds a second."""
    used = {
        part: max(0.0, seconds - without_orders[part] * measured.seconds / 1000)
        for part, seconds in measured.processor.items()
    }
    return replace(measured, processor=used)


def rows_of_order(connection: psycopg.Connection, lines: int) -> dict[str, int]:
    """Bytes of the rows of the newest confirmed order with so many lines, by table."""
    with connection.cursor(row_factory=dict_row) as cursor:
        order: dict[str, UUID] | None = cursor.execute(_ORDER, [lines]).fetchone()
    if order is None:
        raise LookupError(f"there is no confirmed order of {lines} lines")
    found = {}
    for table in TABLES:
        if table.name != "users":
            statement = sql.SQL("SELECT coalesce(sum(pg_column_size(t)), 0) FROM {} t WHERE {}").format(
                sql.Identifier(table.schema, table.name), sql.SQL(f"t.{table.rows}")
            )
            found[f"{table.schema}.{table.name}"] = int(connection.execute(statement, order).fetchall()[0][0])
    return found


def _written(connection: psycopg.Connection) -> Written:
    ((transactions, wal_bytes),) = connection.execute(_WRITTEN).fetchall()
    return Written(int(transactions), int(wal_bytes))


def show(console: Console, measured: Sequence[OfLines]) -> None:
    """Print a row for each number of lines, and what one more line adds."""
    table = Table(
        title="An order by its lines", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    headings = ("lines", "orders", "p50", *PARTS, "all", "written", "WAL KB", "rows KB", "others")
    for heading in headings:
        table.add_column(heading, justify="right", min_width=len(heading))
    for one in measured:
        times, written = _times(one), one.an_order
        table.add_row(
            str(one.lines),
            str(one.results.orders(Case.REST)),
            f"{one.results.figures(ALONE).p50_ms:.0f}",
            *(f"{times.get(part, 0.0):.1f}" for part in PARTS),
            f"{sum(times.values()):.1f}",
            f"{written.transactions:.1f}",
            f"{written.wal_bytes / 1000:.1f}",
            f"{sum(one.rows.values()) / 1000:.1f}",
            f"{one.results.others:.2f}",
        )
    console.print(table)
    console.print(
        "p50: ms, one order in flight. CPU: ms an order, 4 in flight over REST, without client and idle system."
    )
    console.print("written: transactions that wrote something; others: cores that other programs used.")
    if len(measured) > 1:
        console.print(f"A line adds {_for_each_line(measured)}.")


def _times(one: OfLines) -> dict[str, float]:
    return {part: ms for part, ms in one.results.milliseconds(REST).items() if part != "client"}


def _for_each_line(measured: Sequence[OfLines]) -> str:
    first, last = measured[0], measured[-1]
    more = last.lines - first.lines
    cpu = (sum(_times(last).values()) - sum(_times(first).values())) / more
    wal = (last.an_order.wal_bytes - first.an_order.wal_bytes) / more
    rows = (sum(last.rows.values()) - sum(first.rows.values())) / more
    return f"{cpu:.3f} ms of CPU, {wal:.0f} bytes of WAL and {rows:.0f} bytes of rows"


def as_json(measured: Sequence[OfLines]) -> list[dict[str, object]]:
    """All figures for the results file."""
    return [
        {
            "lines": one.lines,
            "others_cores": round(one.results.others, 3),
            "cases": {
                f"{cell.case}, {cell.in_flight}": cell_as_json(one.results, cell, ratio=False) for cell in FULL.cells
            },
            "written": asdict(one.an_order),
            "row_bytes": dict(one.rows),
        }
        for one in measured
    ]
