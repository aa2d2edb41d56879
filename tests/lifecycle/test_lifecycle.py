"""Every reachable state of an order: nothing wrong in any of them, no dead end, no bad end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from services.db import Database
from services.payments.gateway import Outcome
from tests.lifecycle.explorer import Explorer
from tests.lifecycle.invariants import faults_of, faults_of_end, faults_of_move
from tests.lifecycle.lifecycle import Lifecycle, Node
from tests.lifecycle.scenarios import SCENARIOS, Scenario
from tests.lifecycle.world import open_world

#: Faults that are listed with their paths.
LISTED = 5

#: Fewer states, transitions and ends than each scenario has: an explorer that stops early fails.
AT_LEAST = {
    "charges": (220, 2_300, 15),
    "refunds": (120, 1_400, 7),
    "followed": (320, 5_500, 11),
    "method_given_later": (125, 1_200, 11),
    "two_attempts": (370, 4_500, 33),
    "out_of_stock": (24, 300, 4),
    "settled_by_hand": (185, 1_900, 22),
}


class Check:
    """Collects what is wrong, each with the shortest path to it."""

    def __init__(self, lifecycle: Lifecycle, explorer: Explorer, scenario: Scenario) -> None:
        self._lifecycle = lifecycle
        self._explorer = explorer
        self._scenario = scenario
        self._ends: dict[tuple[Node, Outcome], Node | None] = {}
        self.faults: dict[str, str] = {}

    def states(self) -> None:
        """Invariants of every state and every transition."""
        for node in self._lifecycle.reached:
            for fault in self._explorer.faults.get(node.state, []):
                self._found(fault, node)
        first = {node.state: node for node in reversed(self._lifecycle.reached)}
        for number, node in first.items():
            for move in self._explorer.moves(number):
                before, after = self._explorer.states[number], self._explorer.states[move.to]
                for fault in faults_of_move(move.event, before, after):
                    self._found(f"{fault} by {move.event}", node)

    def ends(self) -> Counter[str]:
        """From every node the order comes to a good end; returns how many there are, by status."""
        for decision in (Outcome.SUCCEEDED, Outcome.FAILED):
            for node in self._lifecycle.reached:
                end = self._end(node, decision)
                if end is None:
                    self._found(f"dead end ({decision})", node)
                else:
                    for fault in faults_of_end(self._lifecycle.state(end), self._scenario):
                        self._found(f"bad end ({decision}): {fault}", node)
        ends = {end.state for end in self._ends.values() if end}
        return Counter(str(self._explorer.states[end].status) for end in ends)

    def _end(self, node: Node, decision: Outcome) -> Node | None:
        """Where the order ends when nothing goes wrong any more; None: never."""
        chain: list[Node] = []
        end: Node | None = None
        passed = set()
        while (node, decision) not in self._ends:
            if node in passed:
                break
            chain.append(node)
            passed.add(node)
            following = self._lifecycle.continued(node, decision)
            if following is None:
                end = node
                break
            node = following
        else:
            end = self._ends[node, decision]
        self._ends.update({(each, decision): end for each in chain})
        return end

    def _found(self, fault: str, node: Node) -> None:
        self.faults.setdefault(fault, f"{fault}: {self._lifecycle.path(node)}")


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_reachable_state_leads_to_a_good_end(
    database: Database,
    database_url: str,
    tmp_path: Path,
    name: str,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Red? The faults are printed with the shortest sequence of events that leads to each."""
    scenario = SCENARIOS[name]
    with open_world(database, database_url, tmp_path, scenario) as world:
        explorer = Explorer(world, scenario, faults_of)
        lifecycle = Lifecycle(explorer, scenario)
        lifecycle.explore()
        check = Check(lifecycle, explorer, scenario)
        check.states()
        ends = check.ends()
    counts = len(explorer.states), explorer.transitions, sum(ends.values())
    places = len(lifecycle.reached)
    text = f"{counts[0]} states ({places} with the place of the run), {counts[1]} transitions, ends: {dict(ends)}"
    record_property("lifecycle", text)
    with capsys.disabled():
        sys.stdout.write(f"\nlifecycle {name}: {text}\n")
    assert not check.faults, "\n".join([*check.faults.values()][:LISTED])
    assert all(count >= least for count, least in zip(counts, AT_LEAST[name], strict=True))
