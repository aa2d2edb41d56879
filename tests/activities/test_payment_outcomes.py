"""Outcomes of payments: what each of them changes in the order, its timeline and its hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from activities.messages import PaymentState
from activities.payment_outcomes import PaymentOutcomes
from services.bootstrap import Services
from services.errors import PaymentDeclined, Unavailable
from services.orders.status import OrderStatus
from services.orders.views import OrderView
from services.payments.gateway import Outcome
from services.payments.status import PaymentMethodType
from services.payments.views import Charge, PaymentView
from tests.fakes.gateway import FakeGateway

Place = Callable[..., OrderView]
Settle = Callable[[PaymentView], PaymentState]


@pytest.fixture
def settle(services: Services) -> Settle:
    """Records the state of a payment and returns the result of its step."""
    outcomes = PaymentOutcomes(services.order_transitions, services.reservations, services.payments)
    return lambda payment: outcomes.finish(outcomes.record(services.database, payment))


@pytest.fixture
def charged(services: Services, reserved_order: Place) -> Callable[[str], PaymentView]:
    """Charges a reserved order; its outcome is not applied yet."""

    def charge(card: str) -> PaymentView:
        order = reserved_order(card=card)
        services.order_transitions.start_payment(order.id, 1)
        return services.payments.charge(
            Charge(order.id, 1, order.total.minor, order.total.currency, PaymentMethodType.CARD, card_token=card)
        )

    return charge


def new_events(services: Services, payment: PaymentView) -> list[str]:
    """Event types after the start of the payment."""
    return [str(event.type) for event in services.orders.events(payment.order_id)][3:]


def test_a_success_makes_the_order_paid_once(
    services: Services, settle: Settle, charged: Callable[[str], PaymentView]
) -> None:
    payment = charged("succeeds")
    assert settle(payment) == settle(payment)
    assert services.orders.get(payment.order_id).status == OrderStatus.PAID
    assert new_events(services, payment) == ["paid"]


def test_a_decline_is_written_once_and_the_payment_method_is_deleted(
    services: Services, settle: Settle, charged: Callable[[str], PaymentView]
) -> None:
    payment = charged("declines")
    assert services.order_transitions.payment_due(payment.order_id).method is not None
    for _ in range(2):
        with pytest.raises(PaymentDeclined):
            settle(payment)
    (event,) = services.orders.events(payment.order_id)[3:]
    assert (event.type, event.detail, event.attempt) == ("payment_failed", "insufficient_funds", 1)
    assert services.order_transitions.payment_due(payment.order_id).method is None
    assert services.orders.get(payment.order_id).status == OrderStatus.PAYMENT_PENDING


def test_a_pending_payment_extends_the_hold_to_its_term(
    services: Services, settle: Settle, charged: Callable[[str], PaymentView]
) -> None:
    payment = charged("waits")
    before = services.reservations.find(payment.order_id)
    state = settle(payment)
    settle(payment)
    after = services.reservations.find(payment.order_id)
    assert before is not None
    assert after is not None
    assert before.expires_at is not None
    assert after.expires_at is not None
    assert state.term_left is not None
    assert after.expires_at - before.expires_at > timedelta(seconds=state.term_left - 700)
    assert new_events(services, payment) == ["payment_waiting"]


def test_a_success_after_a_failure_is_refunded_and_does_not_pay_for_the_order(
    services: Services, settle: Settle, gateway: FakeGateway, charged: Callable[[str], PaymentView]
) -> None:
    payment = charged("declines")
    gateway.decide(payment.id, Outcome.SUCCEEDED)
    late = services.payments.refresh(payment.id)
    assert late.captured_late
    with pytest.raises(PaymentDeclined, match="too late"):
        settle(late)
    assert (gateway.captures(payment.id), gateway.kept(payment.id)) == (1, 0)
    assert services.orders.get(payment.order_id).status == OrderStatus.PAYMENT_PENDING
    assert new_events(services, payment) == ["refunded"]


def test_a_late_success_stays_retryable_until_its_refund_is_finished(
    services: Services, settle: Settle, gateway: FakeGateway, charged: Callable[[str], PaymentView]
) -> None:
    payment = charged("declines")
    gateway.decide(payment.id, Outcome.SUCCEEDED)
    late = services.payments.refresh(payment.id)
    gateway.failing_refunds = 1
    with pytest.raises(Unavailable):
        settle(late)
    assert new_events(services, payment) == []
    with pytest.raises(PaymentDeclined):
        settle(late)
    assert gateway.kept(payment.id) == 0
    assert new_events(services, payment) == ["refunded"]
