"""The orders service on an empty database."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.money import Money
from services.orders.outbox import OrderOutbox
from services.orders.service import OrderService
from services.orders.status import OrderStatus
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView, Policy, WorkflowRun
from services.secrets import Vault
from tests.builders import KEY, an_order

RUN = WorkflowRun("0195-run", 1000.0)


@pytest.fixture
def orders(database: Database) -> OrderService:
    return OrderService(database, Vault(KEY), Policy(max_unpaid=5))


@pytest.fixture
def steps(database: Database) -> OrderTransitions:
    return OrderTransitions(database, Vault(KEY))


@pytest.fixture
def outbox(database: Database) -> OrderOutbox:
    return OrderOutbox(database, Vault(KEY))


@pytest.fixture
def order(orders: OrderService) -> OrderView:
    return orders.place(an_order(lines=2)).order


def drive(steps: OrderTransitions, order_id: UUID, until: OrderStatus) -> None:
    """Take the order to a status on the straight way."""
    way: list[tuple[OrderStatus, Callable[[], object]]] = [
        (OrderStatus.RESERVED, lambda: (steps.claim(order_id, RUN), steps.reserved(order_id))),
        (OrderStatus.PAYMENT_PENDING, lambda: steps.start_payment(order_id, 1)),
        (OrderStatus.PAID, lambda: steps.paid(order_id, new_id(), Money(2000, "RUB"))),
        (OrderStatus.CONFIRMED, lambda: steps.confirmed(order_id)),
    ]
    for status, step in way:
        step()
        if status == until:
            return
