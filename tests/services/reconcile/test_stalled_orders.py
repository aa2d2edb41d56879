"""Which open orders count as stalled: those whose last timer ended five minutes ago."""

from __future__ import annotations

import pytest

from services.db import Database
from services.orders.service import OrderService
from services.orders.status import NO_PROGRESS, WORKFLOW_FAILING, OrderStatus
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView, Policy
from services.reconcile.stalled_orders import StalledOrders
from services.secrets import Vault
from tests.builders import KEY, an_order


@pytest.fixture
def stalled(database: Database) -> StalledOrders:
    return StalledOrders(database)


@pytest.fixture
def order(database: Database) -> OrderView:
    return OrderService(database, Vault(KEY), Policy()).place(an_order()).order


@pytest.fixture
def transitions(database: Database) -> OrderTransitions:
    return OrderTransitions(database, Vault(KEY))


def let_pass(database: Database, order: OrderView, seconds: float) -> None:
    """Move the last change of the order further back."""
    database.execute(
        "UPDATE orders.orders SET updated_at = updated_at - make_interval(secs => %(s)s) WHERE id = %(id)s",
        {"s": seconds, "id": order.id},
    )


@pytest.mark.parametrize(
    ("status", "minutes"),
    [
        (OrderStatus.CREATED, 5),
        (OrderStatus.RESERVED, 20),
        (OrderStatus.PAYMENT_PENDING, 20),
        (OrderStatus.PAID, 5),
        (OrderStatus.CANCELLING, 15),
    ],
)
def test_I14_an_order_is_stalled_after_what_its_status_can_take(
    database: Database, stalled: StalledOrders, order: OrderView, status: str, minutes: int
) -> None:
    database.execute(
        "UPDATE orders.orders SET status = %(status)s WHERE id = %(id)s", {"status": status, "id": order.id}
    )
    let_pass(database, order, 60 * minutes - 30)
    assert stalled.find(10) == []
    let_pass(database, order, 60)
    assert stalled.find(10) == [order.id]


def test_asking_for_a_person_is_no_progress(
    database: Database, stalled: StalledOrders, transitions: OrderTransitions, order: OrderView
) -> None:
    """Otherwise the reason would end itself, and begin again in the next run of the job."""
    let_pass(database, order, 600)
    transitions.raise_attention(order.id, NO_PROGRESS)
    assert stalled.find(10) == [order.id]


def test_an_order_that_needs_a_person_for_another_reason_is_not_stalled(
    database: Database, stalled: StalledOrders, transitions: OrderTransitions, order: OrderView
) -> None:
    let_pass(database, order, 600)
    transitions.raise_attention(order.id, WORKFLOW_FAILING)
    assert stalled.find(10) == []
