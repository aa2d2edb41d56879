"""The plan of a run: cases, numbers of orders in flight, and durations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Case(StrEnum):
    """How an order is placed and processed."""

    #: the saga without HTTP: placed by the service, started on the worker's client, until the workflow has completed
    SAGA = "saga"
    #: a workflow of three empty regular activities with the same worker settings
    FLOOR = "floor"
    #: over REST: from `POST /orders` until the response says `confirmed`
    REST = "rest"
    #: like saga, with one product that is in every order
    HOT = "hot"


#: The cases that place orders.
ORDERS = (Case.SAGA, Case.REST, Case.HOT)


@dataclass(frozen=True)
class Plan:
    """Number and duration of rounds; a round starts new orders for `seconds`."""

    rounds: int
    seconds: float
    in_flight: tuple[int, ...] = (1, 16, 64)

    @property
    def steps(self) -> list[tuple[int, Case]]:
        """All rounds in order: within a level the cases alternate, and each is equally often the first of a turn."""
        cases = list(Case)
        turns = [cases[turn % 4 :] + cases[: turn % 4] for turn in range(self.rounds)]
        return [(level, case) for level in self.in_flight for turn in turns for case in turn]


FULL = Plan(rounds=5, seconds=2.5)
#: Checks that everything works; too short for results.
QUICK = Plan(rounds=1, seconds=0.5)


def warm_up(plan: Plan) -> Plan:
    """The plan of the warm-up: PostgreSQL uses a generic query plan only after several executions per connection."""
    return Plan(rounds=math.ceil(plan.rounds / 3), seconds=plan.seconds, in_flight=(16,))


@dataclass(frozen=True)
class Round:
    """A round of one case, as requested from the driver."""

    case: Case
    in_flight: int
    seconds: float


@dataclass(frozen=True)
class Done:
    """The result of a round: seconds of each order, and seconds from the first start to the last completion."""

    latencies: list[float]
    elapsed: float
