"""An order that was confirmed as the workflow's steps do it."""

from __future__ import annotations

import pytest

from services.db import Database
from services.money import Money
from services.orders.outbox import OrderOutbox
from services.orders.service import OrderService
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView, Policy, WorkflowRun
from services.payments.call_budget import CallBudget
from services.payments.service import PaymentService
from services.payments.status import PaymentMethodType
from services.payments.views import Charge
from services.reservations.service import ReservationService
from services.reservations.views import Item
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.fakes.gateway import FakeGateway


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def payments(database: Database, gateway: FakeGateway) -> PaymentService:
    return PaymentService(database, gateway, call_budget=CallBudget())


@pytest.fixture
def confirmed(database: Database, payments: PaymentService) -> OrderView:
    """A confirmed order whose events are notified."""
    return confirm_an_order(database, payments)


def confirm_an_order(database: Database, payments: PaymentService) -> OrderView:
    """Place an order and take every step to its confirmation."""
    orders = OrderService(database, Vault(KEY), Policy())
    steps = OrderTransitions(database, Vault(KEY))
    stock = ReservationService(database)
    order = orders.place(an_order()).order
    line = order.lines[0]
    stock.add_stocks([(line.product_id, 5)])
    steps.claim(order.id, WorkflowRun("run", 1000.0))
    stock.hold(order.id, [Item(line.product_id, line.quantity)], 60)
    steps.reserved(order.id)
    stock.pin(order.id)
    steps.start_payment(order.id, 1)
    paid = payments.charge(Charge(order.id, 1, order.total.minor, "RUB", PaymentMethodType.CARD, card_token="tok"))
    steps.paid(order.id, paid.id, Money(order.total.minor, "RUB"))
    steps.confirmed(order.id)
    stock.confirm(order.id)
    outbox = OrderOutbox(database, Vault(KEY))
    outbox.mark_notified([event.id for event in outbox.pending_notifications(10)])
    return order
