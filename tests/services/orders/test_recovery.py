"""Which open orders recovery looks at, and how long it waits before it starts one again."""

from __future__ import annotations

import pytest

from services.db import Database
from services.orders.recovery import OrderRecovery
from services.orders.service import OrderService
from services.orders.status import WORKFLOW_LOST, CancelReason, OrderStatus
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView
from tests.builders import an_order
from tests.services.orders.conftest import drive


@pytest.fixture
def recovery(database: Database, orders: OrderService) -> OrderRecovery:
    return OrderRecovery(database, orders)


def let_pass(database: Database, order: OrderView, seconds: float) -> None:
    """Move what the order's row says about the past further back."""
    database.execute(
        "UPDATE orders.orders SET updated_at = updated_at - make_interval(secs => %(s)s),"
        " recovered_at = recovered_at - make_interval(secs => %(s)s) WHERE id = %(id)s",
        {"s": seconds, "id": order.id},
    )


def test_only_open_orders_that_do_not_change_are_looked_at(
    database: Database, orders: OrderService, steps: OrderTransitions, recovery: OrderRecovery
) -> None:
    placed = [orders.place(an_order()).order for _ in range(4)]
    confirmed, cancelled, quiet, changing = placed
    drive(steps, confirmed.id, OrderStatus.CONFIRMED)
    orders.request_cancel(cancelled.id, None)
    steps.cancelled(cancelled.id)
    for order in (confirmed, cancelled, quiet):
        let_pass(database, order, 40)
    assert recovery.unattended(None, 10) == [quiet.id]
    let_pass(database, changing, 40)
    assert recovery.unattended(None, 1) == [quiet.id]
    assert recovery.unattended(quiet.id, 10) == [changing.id]


def test_an_order_that_does_not_go_on_is_started_at_growing_intervals(
    database: Database, recovery: OrderRecovery, order: OrderView
) -> None:
    let_pass(database, order, 60)
    for times, interval in enumerate((30, 60, 120, 240, 480, 900, 900), start=1):
        restart = recovery.begin(order.id)
        assert restart is not None
        assert (restart.times, restart.start_input["order_id"]) == (times, str(order.id))
        let_pass(database, order, interval - 5)
        assert (recovery.begin(order.id), recovery.unattended(None, 10)) == (None, [])
        let_pass(database, order, 6)
        assert recovery.unattended(None, 10) == [order.id]


def test_an_order_that_went_on_is_started_at_once(
    database: Database, steps: OrderTransitions, recovery: OrderRecovery, order: OrderView
) -> None:
    for _ in range(3):
        let_pass(database, order, 1000)
        recovery.begin(order.id)
    drive(steps, order.id, OrderStatus.RESERVED)
    restart = recovery.begin(order.id)
    assert restart is not None
    assert restart.times == 1


def test_an_order_that_ended_is_not_started(
    database: Database, steps: OrderTransitions, recovery: OrderRecovery, order: OrderView
) -> None:
    drive(steps, order.id, OrderStatus.CONFIRMED)
    let_pass(database, order, 1000)
    assert recovery.begin(order.id) is None


def test_cancelling_leaves_a_confirmed_order_alone(
    orders: OrderService, steps: OrderTransitions, recovery: OrderRecovery, order: OrderView
) -> None:
    other = orders.place(an_order()).order
    drive(steps, order.id, OrderStatus.CONFIRMED)
    for each in (order, other, other):
        recovery.cancel(each.id)
    assert orders.get(order.id).status == OrderStatus.CONFIRMED
    assert orders.get(other.id).status == OrderStatus.CANCELLING
    assert orders.get(other.id).cancel_reason == CancelReason.OPERATOR_REQUEST


def test_a_lost_workflow_is_no_longer_lost_once_the_order_goes_on(
    database: Database, steps: OrderTransitions, recovery: OrderRecovery, order: OrderView
) -> None:
    let_pass(database, order, 60)
    recovery.begin(order.id)
    steps.raise_attention(order.id, WORKFLOW_LOST)
    assert recovery.no_longer_lost() == []
    let_pass(database, order, 1300)
    assert recovery.no_longer_lost() == [order.id]
    recovery.begin(order.id)
    assert recovery.no_longer_lost() == []
    drive(steps, order.id, OrderStatus.RESERVED)
    assert recovery.no_longer_lost() == [order.id]
