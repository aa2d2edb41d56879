"""A short run of `make soak`, and its checks, each of which must find what it is for."""

from __future__ import annotations

from pathlib import Path

from sandbox.standins.provider.test_cards import Behaviour, Method
from sandbox.supervisor import print_line
from tests.soak.buyers import Placed
from tests.soak.checks import captured_twice, ends
from tests.soak.plan import OPERATOR, Plan, PlannedOrder
from tests.soak.run import soak

#: A seed whose short plan has every kind of fault and action, and kills workers, API, PostgreSQL and the stand-ins.
SEED, SECONDS, RATE, BETWEEN = 39, 50, 0.5, (2.0, 6.0)


def test_F78_everything_ends_and_agrees_after_faults_of_every_process_and_an_operator(tmp_path: Path) -> None:
    """What is printed has the seed, the plan, and for a violation the timeline and the history of its order."""
    plan = Plan.of(SEED, SECONDS, RATE, BETWEEN)
    outcome = soak(plan, tmp_path, print_line)
    assert outcome.violations == []
    assert sum(outcome.orders.values()) == len(plan.orders)
    assert outcome.orders["confirmed"] > 0
    assert outcome.orders["cancelled"] > 0
    assert sum(outcome.faults.values()) == len([action for action in plan.actions if action.kind not in OPERATOR])
    assert sum(outcome.operator.values()) == len([action for action in plan.actions if action.kind in OPERATOR])


def placed(behaviour: Behaviour, order_id: str | None = "1") -> Placed:
    return Placed(PlannedOrder(0.0, 0, 1, Method.CARD, behaviour, None, None, True), 0, order_id)


def test_orders_that_have_ended_as_their_cards_allow_are_no_violation() -> None:
    assert ends({"1": "confirmed"}, [placed(Behaviour.SUCCEEDS)]) == []
    assert ends({"1": "cancelled"}, [placed(Behaviour.SUCCEEDS)]) == []
    assert ends({"1": "cancelled"}, [placed(Behaviour.DECLINES)]) == []


def test_an_open_order_a_lost_order_and_a_confirmation_without_money_are_violations() -> None:
    for status in ("created", "reserved", "payment_pending", "paid", "cancelling"):
        assert [each.orders for each in ends({"1": status}, [placed(Behaviour.SUCCEEDS)])] == [("1",)]
    assert [each.sentence for each in ends({}, [placed(Behaviour.SUCCEEDS)])] == ["an order is missing"]
    assert len(ends({}, [placed(Behaviour.SUCCEEDS, order_id=None)])) == 1
    assert [each.orders for each in ends({"1": "confirmed"}, [placed(Behaviour.DECLINES)])] == [("1",)]


def test_a_second_order_of_a_repeated_request_is_a_violation() -> None:
    found = ends({"1": "confirmed", "2": "confirmed"}, [placed(Behaviour.SUCCEEDS)])
    assert [each.orders for each in found] == [("2",)]


def test_a_second_capture_of_a_payment_is_a_violation_also_when_it_was_refunded() -> None:
    once, none = {"reference": "a", "captures": 1}, {"reference": "a", "captures": 0}
    assert captured_twice([once, none, {"reference": "b", "captures": 1}]) == []
    assert [each.sentence for each in captured_twice([once, once])] == ["payment a was captured 2 times"]
