"""The plan of a run: timed orders, faults and actions of an operator, made from a seed alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from sandbox.standins.provider.test_cards import Behaviour, Method

#: Seconds between two faults, and between two actions of the operator: the shortest and the longest.
BETWEEN = (5.0, 15.0)
#: Seconds that a process may take to be ready again; until then its next fault waits.
RESTART = 6.0
BUYERS = 8
WAITS = (0, 0, 2, 5)


class Kind(StrEnum):
    """What happens: faults, which end after some seconds, and actions of an operator."""

    KILL = "kill"
    STOP = "stop"
    PAUSE = "pause"
    OUTAGE = "outage"
    DELAY = "delay"
    CUT = "cut"
    CANCEL = "cancel"
    TERMINATE = "terminate"
    RESET = "reset"
    COMPLETE = "complete"
    SIGNAL = "signal"


#: Each fault with what it happens to, and its longest duration in seconds.
FAULTS: tuple[tuple[Kind, tuple[str, ...], float], ...] = (
    (Kind.KILL, ("workers", "api", "temporal", "postgres", "standins"), 6.0),
    (Kind.STOP, ("workers", "api", "temporal", "postgres"), 6.0),
    (Kind.PAUSE, ("workers", "api", "temporal", "postgres"), 10.0),
    (Kind.OUTAGE, ("payments", "email", "sms"), 10.0),
    (Kind.DELAY, ("database link", "temporal link"), 10.0),
    (Kind.CUT, ("database link", "temporal link"), 6.0),
)
OPERATOR = (Kind.CANCEL, Kind.TERMINATE, Kind.RESET, Kind.COMPLETE, Kind.SIGNAL)
#: Responses of a stand-in during an outage; None drops connections, 200 is half an answer (of the provider only: an SMS
#: gateway that responds 200 has accepted the message).
STATUSES = (None, None, 429, 500, 503, 200)
HALF_AN_ANSWER = 200


@dataclass(frozen=True)
class Action:
    """A fault or an action of the operator: `at` and `seconds` are seconds; `choice` in [0, 1) chooses an order."""

    at: float
    kind: Kind
    target: str = ""
    seconds: float = 0.0
    status: int | None = None
    choice: float = 0.0

    def __str__(self) -> str:
        if self.kind in OPERATOR:
            return f"{self.at:6.1f} s  operator: {self.kind} of an order ({self.choice:.3f})"
        response = f", response {self.status}" if self.status else ""
        return f"{self.at:6.1f} s  {self.kind} {self.target} for {self.seconds:.1f} s{response}"


@dataclass(frozen=True)
class PlannedOrder:
    """One order: when and by whom it is placed, how it is paid, and what the buyer does then."""

    at: float
    buyer: int
    quantity: int
    method: Method
    behaviour: Behaviour
    #: seconds after which a buyer who placed the order without a method gives one; None: given with the order
    pays_after: float | None
    #: seconds after which the buyer cancels; None: never
    cancels_after: float | None
    approves: bool
    #: seconds that the request asks the API to wait for the end of the order: it is often cut off after its commit
    waits: int = 0


@dataclass(frozen=True)
class Plan:
    """Everything that happens in a run of `seconds`."""

    seed: int
    seconds: float
    orders: Sequence[PlannedOrder]
    actions: Sequence[Action]

    @classmethod
    def of(cls, seed: int, seconds: float, rate: float, between: tuple[float, float] = BETWEEN) -> Plan:
        """The plan of a seed: the same for the same arguments.

        Args:
            seed: any integer.
            seconds: how long orders arrive and faults begin.
            rate: orders a second, on average.
            between: shortest and longest seconds between two faults, and between two actions of the operator.
        """
        # Texts as seeds: the orders stay the same when another kind of fault is added.
        actions = [
            *_faults(Random(f"{seed} faults"), seconds, between),
            *_operator(Random(f"{seed} operator"), seconds, between),
        ]
        waits = Random(f"{seed} waits")
        planned = _orders(Random(f"{seed} orders"), seconds, rate)
        orders = [replace(order, waits=waits.choice(WAITS)) for order in planned]
        return cls(seed, seconds, orders, sorted(actions, key=lambda action: action.at))

    def __str__(self) -> str:
        heading = f"seed {self.seed}: {len(self.orders)} orders and {len(self.actions)} actions in {self.seconds:g} s"
        return "\n".join([heading, *map(str, self.actions)])


def _moments(random: Random, seconds: float, between: tuple[float, float]) -> Iterator[float]:
    at = random.uniform(*between)
    while at < seconds:
        yield round(at, 1)
        at += random.uniform(*between)


def _faults(random: Random, seconds: float, between: tuple[float, float]) -> Iterator[Action]:
    busy: dict[str, float] = {}
    for at in _moments(random, seconds, between):
        kind, targets, longest = random.choice(FAULTS)
        lasts, status = round(random.uniform(0.5, longest), 1), random.choice(STATUSES)
        free = [target for target in targets if busy.get(target, 0.0) <= at]
        if free:
            target = random.choice(free)
            busy[target] = at + lasts + RESTART
            yield Action(at, kind, target, lasts, _response(kind, target, status))


def _response(kind: Kind, target: str, status: int | None) -> int | None:
    if kind is not Kind.OUTAGE or (status == HALF_AN_ANSWER and target != "payments"):
        return None
    return status


def _operator(random: Random, seconds: float, between: tuple[float, float]) -> Iterator[Action]:
    for at in _moments(random, seconds, between):
        yield Action(at, random.choice(OPERATOR), choice=round(random.random(), 3))


def _orders(random: Random, seconds: float, rate: float) -> Iterator[PlannedOrder]:
    kinds = [(method, behaviour) for method in Method for behaviour in Behaviour]
    kinds.remove((Method.PHONE, Behaviour.CONFIRMS_ON_PAGE))
    at = random.expovariate(rate)
    while at < seconds:
        method, behaviour = random.choice(kinds)
        yield PlannedOrder(
            round(at, 2),
            random.randrange(BUYERS),
            random.randint(1, 3),
            method,
            behaviour,
            _sometimes(random, 0.25),
            _sometimes(random, 0.3),
            random.random() < 0.7,
        )
        at += random.expovariate(rate)


def _sometimes(random: Random, probability: float) -> float | None:
    seconds = round(random.uniform(0.0, 6.0), 1)
    return seconds if random.random() < probability else None
