"""The plan of a run: which cases are measured with how many orders in flight, how often and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Case(StrEnum):
    """How an order is placed and processed."""

    #: a workflow of three empty regular activities with the same worker settings
    FLOOR = "floor"
    #: the saga without HTTP: placed by the service, started on the worker's client, until the workflow has completed
    SAGA = "saga"
    #: over REST: from `POST /orders` until the response says `confirmed`
    REST = "rest"
    #: like saga, with one product that is in every order
    HOT = "hot"
    #: `make bench-peers`: the same steps as a Temporal workflow of five regular activities
    FIVE = "five activities"
    #: `make bench-peers`: the same steps on DBOS
    DBOS = "dbos"


#: The cases of `make bench`.
BENCH = (Case.FLOOR, Case.SAGA, Case.REST, Case.HOT)
#: The cases that place orders of ours.
ORDERS = (Case.SAGA, Case.REST, Case.HOT)


#: Lines of an order.
LINES = 2


class Cell(NamedTuple):
    """A case with a number of orders in flight: one row of the results."""

    case: Case
    in_flight: int


#: REST with one order in flight gives the latency that a buyer sees alone.
ALONE = Cell(Case.REST, 1)
CELLS = (ALONE, *(Cell(case, in_flight) for in_flight in (16, 64) for case in BENCH))


@dataclass(frozen=True)
class Plan:
    """`rounds` of every cell; a round starts new orders for `seconds`."""

    rounds: int
    seconds: float
    cells: tuple[Cell, ...] = CELLS

    @property
    def steps(self) -> list[Cell]:
        """All rounds in order: every cell once, then every cell once in reverse, and so on.

        A machine that becomes slower during the run then slows all cells alike: in two turns each cell is as early as
        it is late.
        """
        return [cell for turn in range(self.rounds) for cell in self.cells[:: -1 if turn % 2 else 1]]

    @property
    def slots(self) -> int:
        """The largest number of orders in flight."""
        return max(cell.in_flight for cell in self.cells)


FULL = Plan(rounds=6, seconds=4)
#: Checks that everything works; too short for results.
QUICK = Plan(rounds=1, seconds=0.5)


def warm_up(plan: Plan) -> Plan:
    """The plan of the warm-up: PostgreSQL uses a generic query plan only after several executions per connection."""
    cases = dict.fromkeys(cell.case for cell in plan.cells)
    return Plan(rounds=-(-plan.rounds // 3), seconds=plan.seconds, cells=tuple(Cell(case, 16) for case in cases))


@dataclass(frozen=True)
class Round:
    """A round of one case, as requested from the driver."""

    case: Case
    in_flight: int
    seconds: float
    lines: int = LINES


@dataclass(frozen=True)
class Done:
    """The result of a round: seconds of each order, and seconds from the first start to the last completion."""

    latencies: list[float]
    elapsed: float
