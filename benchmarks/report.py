"""The report of a run for the terminal: rates beside processor times, the load by others, and the aims."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.aims import aims_of, aims_table
from benchmarks.plan import Case, Cell
from benchmarks.results import QUIET, Results

#: Columns of processor time; `api` is part of the worker's process.
PARTS = ("worker", "api", "temporal", "postgres", "stand-ins", "client")
#: Columns that the widest table needs.
WIDTH = 108


def make_console() -> Console:
    """A console that is wide enough for the tables, also when the output is a file."""
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    return console


def show(console: Console, results: Results, idle: Mapping[str, float], *, evaluated: bool) -> None:
    """Print the table, the load by others, and the aims if the run was `evaluated` and not noisy."""
    claims = evaluated and not results.noisy
    console.print(figures_table(results, idle, ratios=claims))
    console.print("worker: the application's process; api: its additional time for HTTP; all times in ms.")
    console.print(load_by_others(results))
    if claims:
        console.print(aims_table(aims_of(results)))
    elif not evaluated:
        console.print("Too short for an evaluation.")


def load_by_others(results: Results) -> str:
    """One sentence about the load by others during the rounds."""
    if not results.parts:
        return "Load by others: unknown on this system (it has no /proc)."
    used = f"Load by others: {results.others:.2f} cores"
    if results.noisy:
        return f"{used}. [yellow]noisy[/yellow]: more than {QUIET} cores, so this run claims nothing."
    return f"{used} (at most {QUIET}: quiet)."


def figures_table(results: Results, idle: Mapping[str, float], *, ratios: bool) -> Table:
    """Rates and latencies with the processor time per order of every part; relative to the floor if `ratios`."""
    headings = ["per s", *(["÷ floor"] if ratios else []), "p50", "p99", *PARTS, "all"]
    table = Table("in flight", "case", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_justify="left")
    table.title = "Rate, latency, and processor ms an order (including messages)"
    for heading in headings:
        table.add_column(heading, justify="right", min_width=len(heading))
    for cell in sorted(results.rounds, key=lambda cell: cell.in_flight):
        table.add_row(
            str(cell.in_flight), cell.case, *_speed(results, cell, ratios), *_times(results.milliseconds(cell))
        )
    if idle:
        table.add_row("–", "idle/s", *[""] * (len(headings) - len(PARTS) - 1), *_times(idle))
    return table


def _speed(results: Results, cell: Cell, ratios: bool) -> list[str]:
    figures = results.figures(cell)
    has_floor = Cell(Case.FLOOR, cell.in_flight) in results.rounds
    ratio = f"{results.ratio(cell.case, Case.FLOOR, cell.in_flight):.2f}" if ratios and has_floor else ""
    return [f"{figures.per_second:.1f}", *([ratio] if ratios else []), f"{figures.p50_ms:.0f}", f"{figures.p99_ms:.0f}"]


def _times(times: Mapping[str, float]) -> list[str]:
    return [f"{times[part]:.1f}" if part in times else "" for part in PARTS] + [f"{sum(times.values()):.1f}"]
