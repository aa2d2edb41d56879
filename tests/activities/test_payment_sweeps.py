"""Periodic jobs over payments and refunds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from activities.messages import ChargePayment
from activities.payment_sweeps import PaymentSweeps
from activities.payments import PaymentActivities
from services.bootstrap import Services
from services.db import Database
from services.money import Money
from services.orders.views import OrderView
from services.payments.gateway import Outcome, ProviderRefund, RefundRequest
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import Behaviour, FakeGateway

Place = Callable[..., OrderView]


@pytest.fixture
def sweeps(services: Services) -> PaymentSweeps:
    return PaymentSweeps(services.orders, services.order_transitions, services.payments, services.reservations)


def test_a_pending_refund_is_continued_and_written_once(
    services: Services,
    activities: PaymentActivities,
    sweeps: PaymentSweeps,
    gateway: FakeGateway,
    clock: FakeClock,
    database: Database,
    reserved_order: Place,
) -> None:
    order = reserved_order()
    payment = activities.charge_payment(ChargePayment(order.id, attempt=1))
    assert payment is not None
    gateway.behaviour = Behaviour.WAITS
    refund = services.payments.refund(order.id, payment.payment_id, Money(300, "RUB"))
    assert refund.status == "pending"
    clock.set_from_database(database, 60)
    gateway.set_available(False)
    assert sweeps.continue_refunds() == 0
    gateway.set_available(True)
    gateway.decide_pending(Outcome.SUCCEEDED)
    clock.move(minutes=1)
    assert [sweeps.continue_refunds(), sweeps.continue_refunds()] == [1, 0]
    amounts = [event.amount for event in services.orders.events(order.id) if event.type == "refunded"]
    assert amounts == [Money(300, "RUB")]


def test_a_refund_that_fails_for_another_reason_does_not_keep_the_others(
    services: Services,
    activities: PaymentActivities,
    sweeps: PaymentSweeps,
    gateway: FakeGateway,
    clock: FakeClock,
    database: Database,
    reserved_order: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refunds = []
    for order in (reserved_order(), reserved_order()):
        gateway.behaviour = Behaviour.SUCCEEDS
        payment = activities.charge_payment(ChargePayment(order.id, attempt=1))
        assert payment is not None
        gateway.behaviour = Behaviour.WAITS
        refunds.append(services.payments.refund(order.id, payment.payment_id, Money(300, "RUB")))
    gateway.decide_pending(Outcome.SUCCEEDED)
    clock.set_from_database(database, 60)
    broken, look_up = refunds[0].payment_id, gateway.look_up_refund

    def breaks(request: RefundRequest, provider_id: str | None, *, within: float) -> ProviderRefund | None:
        if str(broken) in request.key:
            raise LookupError
        return look_up(request, provider_id, within=within)

    monkeypatch.setattr(gateway, "look_up_refund", breaks)
    with pytest.raises(LookupError):
        sweeps.continue_refunds()
    written = ["refunded" in [event.type for event in services.orders.events(each.order_id)] for each in refunds]
    assert written == [False, True]


def test_a_refund_of_the_providers_page_is_written_once(
    services: Services,
    activities: PaymentActivities,
    sweeps: PaymentSweeps,
    gateway: FakeGateway,
    reserved_order: Place,
) -> None:
    order = reserved_order()
    payment = activities.charge_payment(ChargePayment(order.id, attempt=1))
    assert payment is not None
    gateway.refund_by_hand(payment.payment_id, 300)
    assert [sweeps.find_provider_refunds() for _ in range(2)] == [1, 0]
    amounts = [event.amount for event in services.orders.events(order.id) if event.type == "refunded"]
    assert amounts == [Money(300, "RUB")]


def test_a_lost_payment_is_noticed_once(
    services: Services,
    activities: PaymentActivities,
    sweeps: PaymentSweeps,
    clock: FakeClock,
    database: Database,
    reserved_order: Place,
) -> None:
    order = reserved_order(card="dies_charged")
    lost = activities.charge_payment(ChargePayment(order.id, attempt=1))
    assert lost is not None
    clock.set_from_database(database, 400)
    for _ in range(2):
        sweeps.find_provider_payments()
    commands = [command for command in services.order_outbox.claim_commands(10, 0) if command.name != "start"]
    assert [(command.name, command.arguments) for command in commands] == [
        ("payment_updated", {"payment_id": str(lost.payment_id)})
    ]
