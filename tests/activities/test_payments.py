"""Activities that charge, look up and refund payments, and what each of them does when it is repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from activities.messages import (
    ChargePayment,
    PaymentState,
    RecordResolution,
    RefreshPayment,
    RefundLatePayment,
    RefundPayment,
)
from activities.payments import PaymentActivities
from services.bootstrap import Services
from services.clock import new_id
from services.db import Database
from services.errors import AmountMismatch, InvalidTransition, OrderClaimed, OrderClosing, PaymentDeclined
from services.orders.status import OrderStatus
from services.orders.views import OrderView
from services.payments import service
from services.payments.gateway import Outcome
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import Behaviour, FakeGateway

Place = Callable[..., OrderView]


def events(services: Services, order: OrderView) -> list[str]:
    return [event.type for event in services.orders.events(order.id)]


def charged(activities: PaymentActivities, order: OrderView) -> PaymentState:
    """The state of the first attempt to pay the order, whose method is known."""
    state = activities.charge_payment(ChargePayment(order.id, attempt=1))
    assert state is not None
    return state


def test_a_repeated_charge_returns_the_payment_that_was_made(
    services: Services, activities: PaymentActivities, gateway: FakeGateway, reserved_order: Place
) -> None:
    order = reserved_order()
    first = charged(activities, order)
    second = charged(activities, order)
    assert (first.status, second.payment_id) == ("succeeded", first.payment_id)
    assert gateway.charges == {first.payment_id: 1}
    assert services.orders.get(order.id).status == OrderStatus.PAID
    assert events(services, order) == ["created", "reserved", "payment_pending", "paid"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [("https://shop.example.com/{orderId}", "https://shop.example.com/{}"), (None, "http://127.0.0.1/orders")],
)
def test_T195_the_provider_gets_the_return_url(
    activities: PaymentActivities,
    gateway: FakeGateway,
    reserved_order: Place,
    database: Database,
    given: str | None,
    sent: str,
) -> None:
    order = reserved_order()
    database.execute("UPDATE orders.orders SET return_url = %(url)s", {"url": given})
    payment = charged(activities, order)
    assert gateway.return_urls == {payment.payment_id: sent.format(order.id)}


def test_the_hold_of_an_order_is_pinned_before_its_charge(
    services: Services, activities: PaymentActivities, gateway: FakeGateway, reserved_order: Place
) -> None:
    order = reserved_order()
    gateway.behaviour = Behaviour.WAITS
    charged(activities, order)
    hold = services.reservations.find(order.id)
    assert hold is not None
    assert hold.pinned


def test_the_intent_is_committed_before_the_provider_is_called(
    database: Database,
    activities: PaymentActivities,
    gateway: FakeGateway,
    reserved_order: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order, charge, seen = reserved_order(), gateway.charge, []

    def look_first(*args: Any, **kwargs: Any) -> Any:
        seen.extend(database.fetch_column("SELECT status FROM payments.payments"))
        return charge(*args, **kwargs)

    monkeypatch.setattr(gateway, "charge", look_first)
    charged(activities, order)
    assert seen == ["pending"]


def test_money_that_arrives_after_a_cancel_is_booked_though_the_step_is_refused(
    services: Services,
    activities: PaymentActivities,
    gateway: FakeGateway,
    reserved_order: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise the undo would not know of the money, and keep it."""
    order, charge = reserved_order(), gateway.charge

    def cancel_first(*args: Any, **kwargs: Any) -> Any:
        services.orders.request_cancel(order.id, None)
        return charge(*args, **kwargs)

    monkeypatch.setattr(gateway, "charge", cancel_first)
    with pytest.raises(OrderClosing):
        charged(activities, order)
    (payment,) = services.payments.of_order(order.id)
    assert payment.captured_minor == order.total.minor
    assert activities.refund_payment(RefundPayment(order.id)).refunded_minor == order.total.minor


def test_a_refused_intent_leaves_hold_and_order_as_they_were(
    services: Services, activities: PaymentActivities, reserved_order: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = reserved_order()
    monkeypatch.setattr(service, "check_charge", _refuse)
    with pytest.raises(AmountMismatch):
        charged(activities, order)
    hold = services.reservations.find(order.id)
    assert hold is not None
    assert not hold.pinned
    assert services.orders.get(order.id).status == OrderStatus.RESERVED


def _refuse(*_: object) -> None:
    raise AmountMismatch("The amount is out of bounds.")


def test_an_order_without_a_payment_method_is_not_charged_and_stays_as_it_is(
    services: Services, activities: PaymentActivities, gateway: FakeGateway, reserved_order: Place
) -> None:
    order = reserved_order(card=None)
    assert activities.charge_payment(ChargePayment(order.id, attempt=1)) is None
    assert gateway.charges == {}
    assert services.orders.get(order.id).status == OrderStatus.RESERVED


def test_a_refresh_moves_no_order_and_charges_nothing(
    services: Services, activities: PaymentActivities, gateway: FakeGateway, reserved_order: Place
) -> None:
    order = reserved_order()
    with pytest.raises(OrderClaimed):
        activities.refresh_payment(RefreshPayment(order.id, new_id(), attempt=1))
    assert services.orders.get(order.id).status == OrderStatus.RESERVED
    assert events(services, order) == ["created", "reserved"]
    assert gateway.charges == {}


def test_F79_a_run_that_is_ahead_of_a_restored_database_ends_without_a_cancellation(
    services: Services, activities: PaymentActivities, database: Database, reserved_order: Place
) -> None:
    """Recovery then starts the order again from its row."""
    order = reserved_order(card="waits")
    known = charged(activities, order)
    database.execute("DELETE FROM payments.payments WHERE order_id = %(id)s", {"id": order.id})
    for run_id in ("", "a run that has made the row's claim"):
        with pytest.raises(OrderClaimed):
            activities.refresh_payment(RefreshPayment(order.id, known.payment_id, 1, run_id))
    with pytest.raises(OrderClaimed):
        activities.refresh_payment(RefreshPayment(new_id(), known.payment_id, attempt=1))
    services.orders.request_cancel(order.id, None)
    with pytest.raises(OrderClosing):
        activities.refresh_payment(RefreshPayment(order.id, known.payment_id, attempt=1))


def test_a_refresh_finds_a_charge_whose_answer_was_lost(
    services: Services,
    activities: PaymentActivities,
    gateway: FakeGateway,
    clock: FakeClock,
    database: Database,
    reserved_order: Place,
) -> None:
    order = reserved_order(card="dies_charged")
    unknown = charged(activities, order)
    assert unknown.status == "unknown"
    clock.set_from_database(database, 5)
    found = activities.refresh_payment(RefreshPayment(order.id, unknown.payment_id, attempt=1))
    assert (found.payment_id, found.status) == (unknown.payment_id, "succeeded")
    assert gateway.charges == {unknown.payment_id: 1}
    assert services.orders.get(order.id).status == OrderStatus.PAID


def test_a_refund_is_made_and_written_once(
    services: Services, activities: PaymentActivities, gateway: FakeGateway, reserved_order: Place
) -> None:
    order = reserved_order()
    payment = charged(activities, order)
    with pytest.raises(InvalidTransition):
        activities.refund_payment(RefundPayment(order.id))
    services.orders.request_cancel(order.id, None)
    for _ in range(2):
        refund = activities.refund_payment(RefundPayment(order.id))
        assert (refund.done, refund.refunded_minor) == (True, order.total.minor)
    assert gateway.refunded(payment.payment_id) == order.total.minor
    assert events(services, order).count("refunded") == 1


def test_nothing_is_refunded_of_an_order_without_a_payment(
    services: Services, activities: PaymentActivities, reserved_order: Place
) -> None:
    order = reserved_order()
    services.orders.request_cancel(order.id, None)
    refund = activities.refund_payment(RefundPayment(order.id))
    assert (refund.done, refund.refunded_minor) == (True, 0)
    assert events(services, order) == ["created", "reserved", "cancelling"]


def test_a_payment_that_succeeds_after_it_failed_is_refunded(
    services: Services, activities: PaymentActivities, gateway: FakeGateway, reserved_order: Place
) -> None:
    order = reserved_order(card="declines")
    with pytest.raises(PaymentDeclined):
        charged(activities, order)
    (payment,) = services.payments.of_order(order.id)
    gateway.decide(payment.id, Outcome.SUCCEEDED)
    refund = activities.refund_late_payment(RefundLatePayment(order.id, payment.id))
    assert (refund.done, refund.refunded_minor) == (True, order.total.minor)
    assert gateway.kept(payment.id) == 0
    assert events(services, order)[-1] == "refunded"


@pytest.mark.parametrize(("action", "booked"), [("retry", 0), ("mark_done", 1000), ("write_off", 0)])
def test_a_resolution_is_written_and_books_what_the_operator_refunded(
    services: Services, activities: PaymentActivities, reserved_order: Place, action: str, booked: int
) -> None:
    order = reserved_order()
    payment = charged(activities, order)
    for decision_id in ("update-1", "update-1", "update-2"):
        activities.record_resolution(
            RecordResolution(order.id, "refund_payment", action, "transfer 4711", None, decision_id, "anna")
        )
    assert services.payments.get(payment.payment_id).refunded_minor == booked
    resolved = [event.detail for event in services.orders.events(order.id) if event.type == "resolved"]
    assert resolved == [f"refund_payment: {action} by anna, transfer 4711"] * 2


@pytest.mark.parametrize("action", ["mark_done", "write_off"])
@pytest.mark.parametrize("step", ["refund_payment", "release_stock"])
def test_F81_nothing_is_written_about_an_undo_that_was_done_meanwhile(
    services: Services, activities: PaymentActivities, reserved_order: Place, action: str, step: str
) -> None:
    order = reserved_order()
    charged(activities, order)
    services.orders.request_cancel(order.id, None)
    activities.refund_payment(RefundPayment(order.id))
    services.reservations.release(order.id)
    with pytest.raises(InvalidTransition, match="Nothing is left to decide"):
        activities.record_resolution(RecordResolution(order.id, step, action, "transfer 4711"))
    activities.record_resolution(RecordResolution(order.id, step, "retry", ""))
    resolved = [event.detail for event in services.orders.events(order.id) if event.type == "resolved"]
    assert resolved == [f"{step}: retry"]
    assert [each.status for each in services.payments.refunds_of(order.id)] == ["succeeded"]


def test_a_decision_that_is_repeated_after_its_undo_has_ended_is_written_once(
    services: Services, activities: PaymentActivities, reserved_order: Place
) -> None:
    """Its worker died before it could say that the decision is written."""
    order = reserved_order()
    decision = RecordResolution(order.id, "release_stock", "mark_done", "put back", decision_id="update-1")
    activities.record_resolution(decision)
    services.orders.request_cancel(order.id, None)
    services.reservations.release(order.id)
    activities.record_resolution(decision)
    assert events(services, order).count("resolved") == 1


def test_money_that_an_operator_has_sent_back_on_the_providers_page_is_marked_as_done(
    services: Services, activities: PaymentActivities, gateway: FakeGateway, reserved_order: Place
) -> None:
    order = reserved_order()
    payment = charged(activities, order)
    gateway.refund_by_hand(payment.payment_id, order.total.minor)
    activities.record_resolution(RecordResolution(order.id, "refund_payment", "mark_done", "on the page"))
    assert events(services, order)[-1] == "resolved"
    assert [each.amount.minor for each in services.payments.refunds_of(order.id)] == [order.total.minor]


def test_a_payment_that_is_not_decided_can_be_marked_as_done(
    services: Services, activities: PaymentActivities, reserved_order: Place
) -> None:
    order = reserved_order(card="waits")
    charged(activities, order)
    activities.record_resolution(RecordResolution(order.id, "refund_payment", "mark_done", "transfer 4711"))
    assert events(services, order)[-1] == "resolved"
