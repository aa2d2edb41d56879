"""The report of a growth run: cost of an order by number of old orders, plans, sizes and backlogs."""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.aims import Aim, at_most
from benchmarks.growth.backlog import OrdersMeanwhile, Work
from benchmarks.growth.hot_statements import Statement
from benchmarks.growth.tables import TableSize
from benchmarks.plan import Case, Cell
from benchmarks.results import Results

SAGA = Cell(Case.SAGA, 16)
#: Statements and tables that are printed; the results file has all.
SHOWN = 12
MIB = 1024 * 1024


@dataclass(frozen=True)
class Size:
    """What was measured with one number of old orders."""

    old_orders: int
    results: Results
    statements: list[Statement]
    tables: list[TableSize]


@dataclass(frozen=True)
class Growth:
    """All of a run."""

    sizes: list[Size]
    dispatch: Work
    orders_meanwhile: OrdersMeanwhile
    sweep: Work

    @property
    def noisy(self) -> bool:
        """Whether the measurement of some size is noisy."""
        return any(size.results.noisy for size in self.sizes)

    @property
    def aim(self) -> Aim:
        """Processor time of an order at the largest size relative to the smallest."""
        first, last = self.sizes[0], self.sizes[-1]
        ratio = last.results.milliseconds_of_all(SAGA) / first.results.milliseconds_of_all(SAGA)
        return at_most(f"CPU an order, {last.old_orders:,} ÷ {first.old_orders:,} old orders", ratio, 1.10, 1.02)


def show(console: Console, growth: Growth) -> None:
    """Print what does not fit into the table of a single size."""
    last = growth.sizes[-1]
    console.print(cost_table(growth.sizes))
    console.print(statements_table(last.statements))
    console.print(tables_table(last.tables))
    console.print(backlog_table(growth))


def cost_table(sizes: list[Size]) -> Table:
    """Rate and processor time of every case by number of old orders."""
    table = _table("Cost of an order, 16 in flight", "old orders", "case")
    for heading in ("per s", "p50 ms", "CPU ms", "of it postgres", "others, cores", "seq. scans"):
        table.add_column(heading, justify="right")
    for size in sizes:
        for cell in size.results.rounds:
            figures, times = size.results.figures(cell), size.results.milliseconds(cell)
            flagged = sum(bool(statement.sequential) for statement in size.statements)
            table.add_row(
                f"{size.old_orders:,}",
                cell.case,
                *(f"{value:.1f}" for value in (figures.per_second, figures.p50_ms)),
                *(f"{value:.1f}" for value in (sum(times.values()), times.get("postgres", 0.0))),
                f"{size.results.others:.2f}",
                str(flagged),
            )
    return table


def statements_table(statements: list[Statement]) -> Table:
    """The statements that read a large table from end to end, then the most frequent ones."""
    table = _table("Statements of orders and background work, largest size")
    table.add_column("calls", justify="right")
    table.add_column("cost", justify="right")
    table.add_column("scans")
    table.add_column("statement", max_width=48, no_wrap=True)
    for statement in sorted(statements, key=lambda one: (not one.sequential, -one.calls))[:SHOWN]:
        flag = "".join(f"[red]sequential: {name}[/red] " for name in statement.sequential)
        scans = flag or f"{len(statement.scans)} by index or small"
        table.add_row(str(statement.calls), f"{statement.cost:.0f}", scans, statement.text.replace("[", r"\["))
    return table


def tables_table(sizes: list[TableSize]) -> Table:
    """The largest tables with their indexes."""
    table = _table("Tables, largest size", "table")
    for heading in ("rows", "MiB", "indexes MiB"):
        table.add_column(heading, justify="right")
    for size in sizes[:SHOWN]:
        table.add_row(size.name, f"{size.rows:,}", *(f"{n / MIB:.1f}" for n in (size.table_bytes, size.index_bytes)))
    return table


def backlog_table(growth: Growth) -> Table:
    """Dispatch and sweep with a backlog, and orders meanwhile."""
    orders = growth.orders_meanwhile
    caption = (
        f"orders meanwhile: {orders.per_second:.1f} a second, p50 {orders.p50_ms:.0f} ms, p99 {orders.p99_ms:.0f} ms"
    )
    table = _table("Background work with a backlog", "work", caption=caption)
    for heading in ("backlog", "done", "in s", "per s", "CPU ms each", "minutes for all"):
        table.add_column(heading, justify="right")
    for name, work in (("dispatch of messages", growth.dispatch), ("sweep of expired holds", growth.sweep)):
        table.add_row(
            name,
            *(f"{number:,}" for number in (work.backlog, work.done)),
            *(f"{n:.1f}" for n in (work.seconds, work.done / work.seconds, work.cpu_ms, work.minutes)),
        )
    return table


def _table(title: str, *headings: str, caption: str | None = None) -> Table:
    return Table(
        *headings, title=title, caption=caption, title_justify="left", caption_justify="left",
        box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True,
    )  # fmt: skip
