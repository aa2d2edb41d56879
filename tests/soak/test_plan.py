"""A plan is made from its seed alone, and contains faults of every kind."""

from __future__ import annotations

from itertools import pairwise

from sandbox.standins.provider.test_cards import Behaviour
from tests.soak.plan import BETWEEN, FAULTS, OPERATOR, RESTART, Kind, Plan


def test_the_same_seed_makes_the_same_plan() -> None:
    plan = Plan.of(7, 300, rate=1.0)
    assert plan == Plan.of(7, 300, rate=1.0)
    assert str(plan) == str(Plan.of(7, 300, rate=1.0))


def test_another_seed_makes_other_orders_faults_and_actions_of_the_operator() -> None:
    one, other = Plan.of(7, 300, rate=1.0), Plan.of(8, 300, rate=1.0)
    for kinds in (OPERATOR, [kind for kind in Kind if kind not in OPERATOR]):
        first, second = ([action for action in plan.actions if action.kind in kinds] for plan in (one, other))
        assert first != second
    assert one.orders != other.orders


def test_the_rate_of_orders_does_not_change_the_faults() -> None:
    assert Plan.of(7, 300, rate=1.0).actions == Plan.of(7, 300, rate=0.2).actions


def test_five_seeds_contain_every_fault_every_action_and_every_test_card() -> None:
    plans = [Plan.of(seed, 300, rate=1.0) for seed in range(5)]
    assert {action.kind for plan in plans for action in plan.actions} == set(Kind)
    planned = {(action.kind, action.target) for plan in plans for action in plan.actions}
    assert {(kind, target) for kind, targets, _ in FAULTS for target in targets} <= planned
    assert {order.behaviour for plan in plans for order in plan.orders} == set(Behaviour)


def test_only_the_provider_gives_half_an_answer() -> None:
    """An SMS gateway that responds 200 has accepted the message, which would then be lost."""
    actions = [action for seed in range(20) for action in Plan.of(seed, 300, rate=0.1).actions]
    assert {action.target for action in actions if action.status == 200} == {"payments"}


def test_everything_begins_within_the_time_of_the_run_and_in_order() -> None:
    plan = Plan.of(3, 120, rate=2.0)
    for moments in ([action.at for action in plan.actions], [order.at for order in plan.orders]):
        assert moments == sorted(moments)
        assert 0 < moments[0] <= moments[-1] < 120


def test_faults_come_every_five_to_fifteen_seconds_and_wait_for_the_restart_of_their_process() -> None:
    faults = [action for action in Plan.of(5, 3000, rate=0.1).actions if action.kind not in OPERATOR]
    gaps = [after.at - before.at for before, after in pairwise(faults)]
    # An action whose targets are all busy is left out, which makes a gap of two.
    assert min(gaps) >= BETWEEN[0] - 0.1
    assert sum(gap <= BETWEEN[1] + 0.1 for gap in gaps) > 0.95 * len(gaps)
    for target in {action.target for action in faults}:
        of_target = [action for action in faults if action.target == target]
        assert all(after.at >= before.at + before.seconds + RESTART for before, after in pairwise(of_target))
