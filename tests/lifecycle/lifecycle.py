"""The lifecycle of an order: its state together with the run that drives it, and the refunds of late payments."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from activities.messages import RefundState
from services.orders.status import UndoStep
from services.payments.gateway import Outcome
from tests.lifecycle.driver import At, Refusal, Run
from tests.lifecycle.events import Event
from tests.lifecycle.explorer import Explorer, Move
from tests.lifecycle.scenarios import Scenario
from tests.lifecycle.state import CURRENT, State
from tests.lifecycle.world import Delivered


@dataclass(frozen=True)
class Node:
    """A state of the rows (by its number), where the order's run is, and the attempts whose money is being refunded."""

    state: int
    run: Run
    refunding: frozenset[int] = frozenset()


class Lifecycle:
    """Everything that can become of an order."""

    def __init__(self, explorer: Explorer, scenario: Scenario) -> None:
        self._explorer = explorer
        self._first = Node(0, Run(scenario.attempts, has_method=scenario.has_method))
        #: the node and the event by which each node was reached first
        self.reached: dict[Node, tuple[Node, str] | None] = {self._first: None}

    def explore(self) -> None:
        """Reach every node, breadth first: the paths are the shortest."""
        queue = deque([self._first])
        while queue:
            node = queue.popleft()
            for following, event in self._following(node):
                if following not in self.reached:
                    self.reached[following] = (node, event)
                    queue.append(following)

    def path(self, node: Node) -> str:
        """The events that led to a node."""
        events: list[str] = []
        while step := self.reached[node]:
            node, event = step
            events.append(event)
        return " → ".join(reversed(events)) or "placed"

    def state(self, node: Node) -> State:
        return self._explorer.states[node.state]

    def _following(self, node: Node) -> Iterator[tuple[Node, str]]:
        for move in self._explorer.moves(node.state):
            for following in _after(node, move):
                yield following, str(move.event)
        for attempt in node.refunding:
            for move in self._explorer.late_refund(node.state, attempt):
                yield _after_late_refund(node, move), str(move.event)
        yield from _accidents(node)

    def continued(self, node: Node, decision: Outcome) -> Node | None:
        """What comes next when nothing goes wrong any more; None at the end.

        `decision`: what the provider makes of the payments that it has not decided.
        """
        state, run = self.state(node), node.run
        for move in self._explorer.moves(node.state):
            if _comes_first(move.event, state, decision) and (following := next(_after(node, move))) != node:
                return following
        for attempt in node.refunding:
            return _after_late_refund(node, self._explorer.late_refund(node.state, attempt)[0])
        if run.at is At.WAIT_FOR_METHOD:
            return replace(node, run=run.interrupted())
        if run.steps:
            return self._next_step(node)
        return None if state.closed else replace(node, run=Run(run.attempts))

    def _next_step(self, node: Node) -> Node:
        step = min(node.run.steps)
        attempts = (0, node.run.attempt)
        for move in self._explorer.moves(node.state):
            event = move.event
            if event.name == step and event.run in ("", CURRENT) and event.attempt in attempts and _goes_well(event):
                return replace(node, state=move.to, run=node.run.after(step, move.result))
        raise AssertionError(f"the run cannot make its step {step}")


def _after(node: Node, move: Move) -> Iterator[Node]:
    """The nodes after an event; first the one in which the run learns of it."""
    event, run = move.event, node.run
    moved = replace(node, state=move.to)
    match event.name:
        case "run_is_followed":
            yield replace(moved, run=Run(run.attempts))
            return
        case "webhook" if isinstance(move.result, Delivered) and move.result.refund:
            yield replace(moved, refunding=node.refunding | {event.attempt})
            return
        case "buyer_gives_method" if not isinstance(move.result, Refusal):
            yield replace(moved, run=run.method_given())
        case "operator_resolves" if UndoStep.REFUND_PAYMENT in run.undos and not isinstance(move.result, Refusal):
            yield replace(moved, run=run.undone(UndoStep.REFUND_PAYMENT))
    is_next = event.name in run.steps and event.run in ("", CURRENT) and event.attempt in (0, run.attempt)
    if is_next:
        yield replace(moved, run=run.after(event.name, move.result))
    # The step of an earlier run or of an earlier attempt, or one whose result is lost.
    yield moved


def _after_late_refund(node: Node, move: Move) -> Node:
    done = isinstance(move.result, Refusal) or (isinstance(move.result, RefundState) and move.result.done)
    left = node.refunding - {move.event.attempt} if done else node.refunding
    return replace(node, state=move.to, refunding=left)


def _accidents(node: Node) -> Iterator[tuple[Node, str]]:
    """What happens to the run alone."""
    run = node.run
    if run.ended:
        return
    yield replace(node, run=run.interrupted()), "run_is_cancelled"
    yield replace(node, run=Run(run.attempts)), "worker_dies"
    for undo in run.undos:
        yield replace(node, run=run.undone(undo)), f"{undo}_completed_by_hand"


def _goes_well(event: Event) -> bool:
    return not event.how and not event.refund


def _comes_first(event: Event, state: State, decision: Outcome) -> bool:
    """Whether the provider, its webhook or time are next: they do not wait for the order."""
    if event.name in ("claims_run_out", "continue_refunds") and _goes_well(event):
        return True
    if event.name == "provider_decides_refund":
        return event.how == Outcome.SUCCEEDED
    payment = next((each for each in state.payments if each.attempt == event.attempt), None)
    if payment is None:
        return False
    if event.name == "provider_decides":
        return payment.at_provider[0] is Outcome.PENDING and event.how == decision
    return event.name == "webhook" and not payment.reported
