"""The reconciler detects each kind of damage: every invariant is violated once."""

from __future__ import annotations

import pytest

from services.db import Database
from services.money import Money
from services.orders.outbox import OrderOutbox
from services.orders.service import OrderService
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView, Policy
from services.payments.call_budget import CallBudget
from services.payments.service import PaymentService
from services.payments.status import PaymentMethodType
from services.payments.views import Charge
from services.reconcile import check_tables
from services.reservations.service import ReservationService
from services.reservations.views import Item
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.fakes.gateway import FakeGateway


@pytest.fixture
def confirmed(database: Database) -> OrderView:
    """A confirmed order whose events are notified."""
    orders = OrderService(database, Vault(KEY), Policy())
    steps = OrderTransitions(database, Vault(KEY))
    stock = ReservationService(database)
    order = orders.place(an_order()).order
    line = order.lines[0]
    stock.add_stocks([(line.product_id, 5)])
    steps.claim(order.id, "run")
    stock.hold(order.id, [Item(line.product_id, line.quantity)], 60)
    steps.reserved(order.id)
    stock.pin(order.id)
    steps.start_payment(order.id, 1)
    payments = PaymentService(database, FakeGateway(), call_budget=CallBudget())
    paid = payments.charge(Charge(order.id, 1, order.total.minor, "RUB", PaymentMethodType.CARD, card_token="tok"))
    steps.paid(order.id, paid.id, Money(order.total.minor, "RUB"))
    steps.confirmed(order.id)
    stock.confirm(order.id)
    outbox = OrderOutbox(database, Vault(KEY))
    outbox.mark_notified([event.id for event in outbox.pending_notifications(10)])
    return order


def violated(database: Database) -> list[str]:
    return [check.id for check in check_tables(database, lag_seconds=0) if not check.holds]


def test_a_confirmed_order_violates_nothing(database: Database, confirmed: OrderView) -> None:
    checks = check_tables(database, lag_seconds=0)
    assert [check.id for check in checks] == ["I1", "I2", "I3", "I4", "I4", "I5", "I8", "I12"]
    assert [check.violations for check in checks] == [[]] * 8
    assert checks[2].rows == 1


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("UPDATE reservations.stocks SET reserved = reserved + 1, available = available - 1", ["I2"]),
        ("UPDATE reservations.reservations SET status = 'released'", ["I2", "I4"]),
        ("DELETE FROM orders.events WHERE key = 'paid'", ["I3"]),
        ("UPDATE orders.orders SET status = 'cancelled'", ["I3", "I4", "I4"]),
        ("DELETE FROM payments.ledger", ["I4", "I5"]),
        ("UPDATE orders.orders SET total_minor = total_minor + 1", ["I4"]),
        ("UPDATE payments.payments SET captured_minor = captured_minor + 1", ["I5"]),
        ("UPDATE orders.events SET notified_at = NULL WHERE key = 'created'", ["I12"]),
        (
            "INSERT INTO identity.messages (id, channel, template, language)"
            " VALUES (gen_random_uuid(), 'email', 'verify_email', 'ru')",
            ["I12"],
        ),
        (
            "INSERT INTO idempotency.keys SELECT 'a', 'POST /orders', 'k', 'x', gen_random_uuid(), 201",
            ["I8"],
        ),
    ],
)
def test_damage_is_detected(database: Database, confirmed: OrderView, damage: str, expected: list[str]) -> None:
    with database.transaction() as tx:
        tx.execute(damage)
    assert violated(database) == expected
