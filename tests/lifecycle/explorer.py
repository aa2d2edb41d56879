"""Explores what events do to the rows: each event is executed once in each state, by the real code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.payments.gateway import Outcome
from tests.fakes.gateway import Behaviour
from tests.lifecycle.events import Event, steps_of, surroundings, undos
from tests.lifecycle.scenarios import Scenario
from tests.lifecycle.state import State
from tests.lifecycle.world import Snapshot, World

#: More transitions than any scenario may have: one takes some milliseconds.
MOST = 12_000


@dataclass(frozen=True)
class Move:
    """What an event did: the number of the state that followed, and the result."""

    event: Event
    to: int
    result: object


class Explorer:
    """A graph of states, numbered as they are found; it grows as it is asked for."""

    def __init__(self, world: World, scenario: Scenario, check: Callable[[World, State], list[str]]) -> None:
        """`check` is called once in every state, and returns what is wrong with it."""
        self.states: list[State] = []
        self.faults: dict[int, list[str]] = {}
        self.transitions = 0
        self._world = world
        self._scenario = scenario
        self._check = check
        self._numbers: dict[State, int] = {}
        self._snapshots: list[Snapshot] = []
        self._moves: dict[int, tuple[Move, ...]] = {}
        self._late: dict[tuple[int, int], tuple[Move, ...]] = {}
        self._present = self._capture()

    def moves(self, state: int) -> tuple[Move, ...]:
        """What every event does in a state."""
        if state not in self._moves:
            self._moves[state] = tuple(self._try_all(state))
        return self._moves[state]

    def late_refund(self, state: int, attempt: int) -> tuple[Move, ...]:
        """What a step of the workflow that refunds a late payment does."""
        if (state, attempt) not in self._late:
            event = Event("refund_late_payment", attempt=attempt)
            self._late[state, attempt] = tuple(self._with_provider(state, event))
        return self._late[state, attempt]

    def _try_all(self, number: int) -> Iterator[Move]:
        scenario, state = self._scenario, self.states[number]
        steps = [event for run in scenario.runs for event in steps_of(run, state, scenario.attempts)]
        for event in (*steps, *undos()):
            yield from self._with_provider(number, event)
        for event in surroundings(state, scenario):
            if not _beyond_bounds(state, event):
                yield from self._with_provider(number, event)

    def _with_provider(self, state: int, event: Event) -> Iterator[Move]:
        """The event, and again with everything that the provider may do when it is asked to do something."""
        yield self._try(state, event)
        scenario, calls = self._scenario, self._world.calls()
        for varied in _varied(event, calls, scenario.charges, scenario.refunds):
            if not _beyond_bounds(self.states[state], varied):
                yield self._try(state, varied)

    def _try(self, state: int, event: Event) -> Move:
        if self._present != state:
            self._world.restore(self._snapshots[state])
            self._present = state
        self.transitions += 1
        assert self.transitions < MOST, "the scenario is too large: allow fewer kinds of events"
        result = self._world.happen(event)
        if self._world.has_changed():
            self._present = self._capture()
        return Move(event, self._present, result)

    def _capture(self) -> int:
        snapshot, state = self._world.capture()
        if state not in self._numbers:
            number = self._numbers[state] = len(self.states)
            self.states.append(state)
            self._snapshots.append(snapshot)
            if faults := self._check(self._world, state):
                self.faults[number] = faults
        return self._numbers[state]


def _varied(
    event: Event, calls: list[str], charges: Sequence[Behaviour], refunds: Sequence[Behaviour]
) -> Iterator[Event]:
    if event.name == "hanging_charge_goes_on":
        charges = (Behaviour.KILLED_AFTER, Behaviour.DECLINES)
    if "charge" in calls:
        yield from (replace(event, how=how) for how in charges)
    if "refund" in calls:
        yield from (replace(event, refund=how) for how in refunds)


def _beyond_bounds(state: State, event: Event) -> bool:
    """A refund fails once: every further failure is the same again under a higher number."""
    fails = event.name == "provider_decides_refund" and event.how == Outcome.FAILED
    if not fails and event.refund != Behaviour.DECLINES:
        return False
    refunds = [refund for payment in state.payments for refund in payment.refunds]
    return any(refund.status not in ("pending", "succeeded", "manual", "written_off") for refund in refunds)
