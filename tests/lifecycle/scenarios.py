"""The scenarios: each explores every order of some kinds of events; all kinds at once are too many states."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.gateway import Behaviour
from tests.lifecycle.state import CURRENT, RUNS

B = Behaviour

#: What the provider may do with a charge that reaches it, beside that it succeeds.
CHARGES = (
    B.DECLINES,
    B.WAITS,
    B.REFUSES,
    B.UNAVAILABLE,
    B.REQUEST_LOST,
    B.ANSWER_LOST,
    B.KILLED_BEFORE,
    B.KILLED_AFTER,
)
#: What the provider may do with a refund; in it `DECLINES` is a refund that fails.
REFUNDS = (B.DECLINES, B.WAITS, B.UNAVAILABLE, B.REQUEST_LOST, B.ANSWER_LOST, B.KILLED_BEFORE, B.KILLED_AFTER)


@dataclass(frozen=True)
class Scenario:
    """How an order is placed, and which accidents may happen to it."""

    attempts: int = 1
    has_method: bool = True
    #: units in stock; the order is for two
    units: int = 2
    charges: tuple[Behaviour, ...] = CHARGES
    refunds: tuple[Behaviour, ...] = REFUNDS
    #: whether a later run may take the order over, while steps of the earlier one are under way
    runs: tuple[str, ...] = RUNS
    #: whether a call of the provider may hang for any time, and go on
    hanging_calls: bool = False
    #: whether the time of a hold may pass although it is pinned: nothing comes of it
    pinned_holds_run_out: bool = False
    #: how an operator may settle the refund of the order
    resolutions: tuple[str, ...] = ()


SCENARIOS = {
    "charges": Scenario(runs=(CURRENT,), refunds=(), hanging_calls=True),
    "refunds": Scenario(runs=(CURRENT,), charges=(), pinned_holds_run_out=True),
    "followed": Scenario(charges=(B.WAITS,), refunds=()),
    "method_given_later": Scenario(
        has_method=False, runs=(CURRENT,), charges=(B.DECLINES, B.WAITS), refunds=(), pinned_holds_run_out=True
    ),
    "two_attempts": Scenario(attempts=2, runs=(CURRENT,), charges=(B.DECLINES,), refunds=(B.DECLINES,)),
    "out_of_stock": Scenario(units=1),
    "settled_by_hand": Scenario(runs=(CURRENT,), charges=(B.WAITS,), refunds=(), resolutions=("mark_done",)),
}
