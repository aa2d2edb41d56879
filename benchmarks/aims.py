"""The aims of a run, and whether its results reach them."""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.table import Table

from benchmarks.plan import ALONE, Case, Cell
from benchmarks.results import Results


@dataclass(frozen=True)
class Aim:
    """An aim and the measured value; `beyond`: also the more ambitious limit is reached."""

    description: str
    measured: float
    reached: bool
    beyond: bool = False

    @property
    def outcome(self) -> str:
        """`missed`, `reached` or `beyond`."""
        return ("beyond" if self.beyond else "reached") if self.reached else "missed"


def at_least(description: str, measured: float, aim: float, beyond: float) -> Aim:
    """An aim with a lower limit."""
    return Aim(f"{description} ≥ {aim:g} (beyond: {beyond:g})", measured, measured >= aim, measured >= beyond)


def at_most(description: str, measured: float, aim: float, beyond: float) -> Aim:
    """An aim with an upper limit."""
    return Aim(f"{description} ≤ {aim:g} (beyond: {beyond:g})", measured, measured <= aim, measured <= beyond)


#: Case, reference, orders in flight, aim, and the value beyond it.
_RATIOS = (
    (Case.SAGA, Case.FLOOR, 16, 1.45, 1.7),
    (Case.SAGA, Case.FLOOR, 64, 1.65, 2.0),
    (Case.REST, Case.FLOOR, 16, 1.3, 1.5),
    (Case.REST, Case.FLOOR, 64, 1.5, 1.8),
    (Case.HOT, Case.SAGA, 16, 0.95, 1.0),
)


def aims_of(results: Results) -> list[Aim]:
    """The aims of `make bench`; needs the cells of a full run."""
    found = [
        at_least(f"{case} ÷ {to}, {in_flight} in flight", results.ratio(case, to, in_flight), aim, beyond)
        for case, to, in_flight, aim, beyond in _RATIOS
    ]
    found.append(at_most("rest alone in flight, p50 ms", results.figures(ALONE).p50_ms, 32, 25))
    if results.parts:
        used = results.milliseconds_of_all(Cell(Case.SAGA, 16))
        found.append(at_most("saga, 16 in flight, CPU ms an order", used, 38, 30))
    return found


_COLOURS = {"beyond": "bold green", "reached": "green", "missed": "red"}


def aims_table(aims: list[Aim]) -> Table:
    """The aims, the measured values, and whether each is reached."""
    table = Table("aim", title="Aims", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("measured", justify="right")
    table.add_column("")
    for aim in aims:
        table.add_row(aim.description, f"{aim.measured:.2f}", f"[{_COLOURS[aim.outcome]}]{aim.outcome}[/]")
    return table
