"""What is measured: the cases, how many in flight, and for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Case(StrEnum):
    """What one order is."""

    #: the order's saga alone: placed by the service, started on the worker's own client, until the workflow completed
    SAGA = "saga"
    #: a workflow of three empty regular activities, by the same worker settings
    FLOOR = "floor"
    #: the whole way: `POST /orders` until the buyer is told `confirmed`
    REST = "rest"
    #: as the saga, and one product is in every order
    HOT = "hot"


#: The cases that are orders: each leaves rows, money and messages behind.
ORDERS = (Case.SAGA, Case.REST, Case.HOT)


@dataclass(frozen=True)
class Plan:
    """How much is measured; `seconds` is how long one round begins new orders."""

    rounds: int
    seconds: float
    in_flight: tuple[int, ...] = (1, 16, 64)

    @property
    def steps(self) -> list[tuple[int, Case]]:
        """Every round, in order: within a level the cases take turns, and each is the first of a round in its turn."""
        cases = list(Case)
        turns = [cases[turn % 4 :] + cases[: turn % 4] for turn in range(self.rounds)]
        return [(level, case) for level in self.in_flight for turn in turns for case in turn]


FULL = Plan(rounds=5, seconds=2.5)
#: Shows that everything runs; too short for figures.
QUICK = Plan(rounds=1, seconds=0.5)


def warm_up(plan: Plan) -> Plan:
    """Before anything counts: PostgreSQL settles on a plan only after a statement has run ten times a connection."""
    return Plan(rounds=math.ceil(plan.rounds / 3), seconds=plan.seconds, in_flight=(16,))


@dataclass(frozen=True)
class Round:
    """One round of one case, as the process that drives it is told."""

    case: Case
    in_flight: int
    seconds: float


@dataclass(frozen=True)
class Done:
    """How a round went: seconds of each order, and of the whole from the first start to the last end."""

    latencies: list[float]
    elapsed: float
