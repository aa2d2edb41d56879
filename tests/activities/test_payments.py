"""Steps over payments: what each means for the order, its hold and its timeline."""

from __future__ import annotations

import pytest

from activities.messages import ChargePayment, RecordResolution, RefreshPayment, RefundPayment
from activities.payments import PaymentActivities
from services.bootstrap import Services
from services.clock import new_id
from services.errors import InvalidTransition, OrderClosing, PaymentDeclined, PaymentExpired
from services.orders.status import OrderEventType, OrderStatus
from services.payments.gateway import Outcome
from tests.activities.conftest import reserved_order
from tests.fakes.gateway import FakeGateway


def test_a_charge_pays_the_order_and_pins_its_hold(services: Services, payments: PaymentActivities) -> None:
    order = reserved_order(services)
    state = payments.charge_payment(ChargePayment(order.id, 1))
    assert (state.status, services.orders.get(order.id).status) == ("succeeded", OrderStatus.PAID)
    hold = services.reservations.find(order.id)
    assert hold is not None
    assert hold.pinned


def test_a_repeated_charge_is_the_same_payment(
    services: Services, payments: PaymentActivities, gateway: FakeGateway
) -> None:
    """The payment method is dropped once the charge is final, so the repetition finds the earlier payment."""
    order = reserved_order(services)
    first = payments.charge_payment(ChargePayment(order.id, 1))
    assert payments.charge_payment(ChargePayment(order.id, 1)) == first
    assert gateway.charges[first.payment_id] == 1


def test_a_declined_charge_is_noted_and_its_method_dropped(services: Services, payments: PaymentActivities) -> None:
    order = reserved_order(services, card="declines")
    with pytest.raises(PaymentDeclined):
        payments.charge_payment(ChargePayment(order.id, 1))
    assert [event.type for event in services.orders.events(order.id)][-1] == "payment_failed"
    assert services.order_transitions.payment_due(order.id).method is None
    with pytest.raises(PaymentExpired):
        payments.charge_payment(ChargePayment(order.id, 2))


def test_refreshing_moves_no_order_that_waits_for_its_charge(services: Services, payments: PaymentActivities) -> None:
    order = reserved_order(services)
    with pytest.raises(InvalidTransition):
        payments.refresh_payment(RefreshPayment(order.id, new_id(), 1))
    assert services.orders.get(order.id).status == OrderStatus.RESERVED


def test_refreshing_pays_the_order_once_the_provider_has_decided(
    services: Services, payments: PaymentActivities, gateway: FakeGateway
) -> None:
    order = reserved_order(services, card="waits")
    waiting = payments.charge_payment(ChargePayment(order.id, 1))
    assert waiting.status == "pending"
    assert [event.type for event in services.orders.events(order.id)][-1] == "payment_waiting"
    gateway.decide(waiting.payment_id, Outcome.SUCCEEDED)
    assert payments.refresh_payment(RefreshPayment(order.id, waiting.payment_id, 1)).status == "succeeded"
    assert services.orders.get(order.id).status == OrderStatus.PAID


def test_a_refund_is_written_into_the_timeline_once(services: Services, payments: PaymentActivities) -> None:
    order = reserved_order(services)
    payments.charge_payment(ChargePayment(order.id, 1))
    services.orders.request_cancel(order.id, order.buyer_id)
    for _ in range(2):
        state = payments.refund_payment(RefundPayment(order.id))
        assert (state.done, state.refunded_minor) == (True, order.total.minor)
    assert [event.type for event in services.orders.events(order.id)].count(OrderEventType.REFUNDED) == 1


def test_no_charge_starts_after_the_refund(services: Services, payments: PaymentActivities) -> None:
    """A charge that was given up may still be on its way (F11)."""
    order = reserved_order(services)
    services.orders.request_cancel(order.id, order.buyer_id)
    assert payments.refund_payment(RefundPayment(order.id)).done
    with pytest.raises(OrderClosing):
        payments.charge_payment(ChargePayment(order.id, 1))


@pytest.mark.parametrize(("action", "refunded"), [("mark_done", True), ("write_off", False), ("retry", False)])
def test_a_resolution_is_written_down_and_booked(
    services: Services, payments: PaymentActivities, action: str, refunded: bool
) -> None:
    order = reserved_order(services)
    paid = payments.charge_payment(ChargePayment(order.id, 1))
    payments.record_resolution(RecordResolution(order.id, "refund_payment", action, "transfer 4711"))
    last = services.orders.events(order.id)[-1]
    assert (last.type, last.detail) == ("resolved", f"refund_payment: {action}")
    assert services.payments.get(paid.payment_id).refunded_minor == (order.total.minor if refunded else 0)
