"""Undo and late refunds: idempotent, in every state of the payment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from services.clock import new_id
from services.db import Database
from services.errors import InvalidTransition, OrderClosing, Unavailable
from services.money import Money
from services.payments.gateway import GatewayRefused, GatewayUnavailable, GatewayUnknown
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus, RefundStatus
from services.payments.views import Charge, PaymentView, RefundProgress
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway, Killed
from tests.services.payments.conftest import PHONE, ProviderLedger, a_charge, refresh_until_decided

CLAIM = 5


def test_undo_refunds_a_captured_payment_once(service: PaymentService, ledger: ProviderLedger) -> None:
    charge = a_charge(amount_minor=129_900)
    view = service.charge(charge)
    undone = service.undo(charge.order_id)
    assert (undone.done, undone.refunded_minor, undone.payment_id) == (True, 129_900, view.id)
    assert service.undo(charge.order_id) == undone
    [refund] = service.refunds_of(charge.order_id)
    assert (refund.id, refund.status, refund.amount) == (
        undone.refund_id,
        RefundStatus.SUCCEEDED,
        Money(129_900, "RUB"),
    )
    assert service.get_refund(refund.id) == refund
    assert service.get(view.id).status is PaymentStatus.REFUNDED
    assert ledger.refunds(view.id) == [("1299.00", "succeeded")]


def test_F11_a_charge_after_undo_is_refused(service: PaymentService, gateway: FaultyGateway) -> None:
    charge = a_charge()
    assert service.undo(charge.order_id) == service.undo(charge.order_id) == RefundProgress(True, 0)
    with pytest.raises(OrderClosing):
        service.charge(charge)
    assert service.of_order(charge.order_id) == []
    assert gateway.calls == []


def test_after_undo_no_attempt_starts_or_continues(service: PaymentService) -> None:
    charge = a_charge("tok_declines")
    service.charge(charge)
    assert service.undo(charge.order_id).done
    with pytest.raises(OrderClosing):
        service.charge(a_charge(order_id=charge.order_id, attempt=2))
    with pytest.raises(OrderClosing):
        service.charge(charge)


def test_undo_of_a_declined_charge_refunds_nothing(service: PaymentService, ledger: ProviderLedger) -> None:
    charge = a_charge("tok_declines")
    view = service.charge(charge)
    assert service.undo(charge.order_id) == RefundProgress(True, 0, None, view.id)
    assert ledger.refunds(view.id) == []


def test_T68_undo_waits_for_a_charge_in_progress(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge()
    gateway.after["charge"] = Killed()
    with pytest.raises(Killed):
        service.charge(charge)
    waiting = service.undo(charge.order_id)
    assert (waiting.done, waiting.reason) == (False, "payment_undecided")
    assert 0 < waiting.retry_after <= CLAIM
    assert gateway.calls == ["charge"]
    clock.set_from_database(database, CLAIM + 1)
    undone = service.undo(charge.order_id)
    assert (undone.done, undone.refunded_minor) == (True, charge.amount_minor)


@pytest.mark.parametrize(
    ("card", "refunded"),
    [("tok_times_out_charged", 129_900), ("tok_times_out_not_charged", 0), ("tok_error_after_charge", 129_900)],
)
def test_F34_F35_F36_F54_undo_resolves_unknown_charges_and_refunds(
    short_budget_service: PaymentService,
    ledger: ProviderLedger,
    clock: FakeClock,
    database: Database,
    card: str,
    refunded: int,
) -> None:
    charge = a_charge(card)
    lost = short_budget_service.charge(charge)
    undone = short_budget_service.undo(charge.order_id)
    assert undone.reason == "payment_undecided"
    for turned in (6, 12, 18):  # these cards lose the answers of refunds too
        clock.set_from_database(database, turned)
        undone = short_budget_service.undo(charge.order_id)
    assert (undone.done, undone.refunded_minor) == (True, refunded)
    assert len(ledger.refunds(lost.id)) == (1 if refunded else 0)


@pytest.mark.parametrize("phone", [None, PHONE])
def test_undo_waits_for_a_payment_pending_at_the_provider(
    service: PaymentService, ledger: ProviderLedger, phone: str | None
) -> None:
    charge = a_charge("tok_answers_later", phone=phone)
    view = service.charge(charge)
    waiting = service.undo(charge.order_id)
    assert (waiting.done, waiting.payment_id, waiting.reason) == (False, view.id, "payment_undecided")
    assert waiting.retry_after >= 1
    assert waiting.waiting > 3000
    refresh_until_decided(service, view.id)
    assert service.undo(charge.order_id).refunded_minor == charge.amount_minor
    assert ledger.refunds(view.id) == [("1299.00", "succeeded")]


def test_T100_undo_refunds_the_amount_that_was_captured(service: PaymentService, ledger: ProviderLedger) -> None:
    charge = a_charge("tok_wrong_amount", amount_minor=10_000)
    view = refresh_until_decided(service, service.charge(charge).id)
    assert service.undo(charge.order_id).refunded_minor == 10_100
    assert service.get(view.id).status is PaymentStatus.REFUNDED
    assert ledger.refunds(view.id) == [("101.00", "succeeded")]


def test_T64_fifty_concurrent_undos_refund_once(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway
) -> None:
    charge = a_charge()
    view = service.charge(charge)
    with ThreadPoolExecutor(50) as pool:
        undone = list(pool.map(lambda _: service.undo(charge.order_id), range(50)))
    assert any(step.done for step in undone)
    assert {step.reason for step in undone if not step.done} <= {"refund_pending"}
    assert gateway.calls.count("refund") == 1
    assert ledger.refunds(view.id) == [("1299.00", "succeeded")]


@pytest.mark.parametrize("lost", [GatewayUnknown("lost"), Killed()])
def test_F54_a_refund_whose_answer_is_lost_is_looked_up(
    service: PaymentService,
    ledger: ProviderLedger,
    gateway: FaultyGateway,
    clock: FakeClock,
    database: Database,
    lost: BaseException,
) -> None:
    charge = a_charge()
    view = service.charge(charge)
    gateway.after["refund"] = lost
    try:
        assert service.undo(charge.order_id).reason == "refund_pending"
    except Killed:
        assert service.undo(charge.order_id).reason == "refund_pending"
    clock.set_from_database(database, CLAIM + 1)
    assert service.undo(charge.order_id).done
    assert gateway.calls == ["charge", "refund", "look_up_refund"]
    assert ledger.refunds(view.id) == [("1299.00", "succeeded")]


def test_F08_killed_before_the_refund_request(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge()
    view = service.charge(charge)
    gateway.before["refund"] = Killed()
    with pytest.raises(Killed):
        service.undo(charge.order_id)
    clock.set_from_database(database, CLAIM + 1)
    assert service.undo(charge.order_id).refunded_minor == charge.amount_minor
    assert ledger.refunds(view.id) == [("1299.00", "succeeded")]


def test_a_refund_that_fails_twice_is_made_once(
    service: PaymentService, ledger: ProviderLedger, clock: FakeClock, database: Database
) -> None:
    charge = a_charge("tok_refund_fails_twice")
    view = service.charge(charge)
    for turned in (0, 6, 12):
        clock.set_from_database(database, turned)
        undone = service.undo(charge.order_id)
    assert (undone.done, undone.refunded_minor) == (True, charge.amount_minor)
    assert [refund.status for refund in service.refunds_of(charge.order_id)] == ["succeeded"]
    assert ledger.refunds(view.id) == [("1299.00", "succeeded")]


def test_F53_a_failed_refund_is_retried_under_a_new_number(
    database: Database, gateway: FaultyGateway, clock: FakeClock, ledger: ProviderLedger
) -> None:
    service = PaymentService(database.with_clock(clock), gateway)
    charge = a_charge("tok_refund_fails")
    view = service.charge(charge)
    clock.set_from_database(database, 0)
    for _ in range(3):
        refused = service.undo(charge.order_id)
        assert (refused.done, refused.reason, refused.refunded_minor) == (False, "refund_failed", 0)
        assert refused.waiting == 0
        assert refused.retry_after == 5
    assert gateway.calls.count("refund") == 1
    clock.set_from_database(database, 6)
    assert service.undo(charge.order_id).retry_after == 10
    assert [refund.failure_code for refund in service.refunds_of(charge.order_id)] == ["general_decline"] * 2
    assert service.get(view.id).status is PaymentStatus.SUCCEEDED
    assert ledger.refunds(view.id) == [("1299.00", "canceled")] * 2


def test_F53_a_refused_refund_is_retried_under_a_new_number(service: PaymentService, gateway: FaultyGateway) -> None:
    charge = a_charge()
    service.charge(charge)
    gateway.before["refund"] = GatewayRefused("invalid_request", parameter="receipt")
    with capture_logs() as logs:
        assert service.undo(charge.order_id).reason == "refund_failed"
    [error] = [entry for entry in logs if entry["log_level"] == "error"]
    assert (error["event"], error["code"], error["parameter"]) == (
        "payments.refund_refused",
        "invalid_request",
        "receipt",
    )
    assert service.undo(charge.order_id).done


def test_F37_a_busy_provider_delays_the_refund(
    service: PaymentService, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge()
    service.charge(charge)
    gateway.before["refund"] = GatewayUnavailable("busy", retry_after=30)
    with pytest.raises(Unavailable) as raised:
        service.undo(charge.order_id)
    assert raised.value.retry_after == 30
    pending = service.undo(charge.order_id)
    assert (pending.reason, pending.waiting) == ("refund_pending", 0)
    clock.set_from_database(database, 31)
    assert service.undo(charge.order_id).done


def a_lost_charge(
    charge: Charge, service: PaymentService, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> PaymentView:
    """A payment that the provider has made, but whose answer was lost, and which its lists do not show yet."""
    gateway.after["charge"] = GatewayUnknown("lost")
    lost = service.charge(charge)
    clock.set_from_database(database, CLAIM + 1)
    gateway.hides_payments = True
    return lost


def test_F46_F47_a_success_after_the_order_was_closed_is_refunded_once(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge()
    lost = a_lost_charge(charge, service, gateway, clock, database)
    assert service.undo(charge.order_id).done
    assert service.get(lost.id).failure_code == "not_charged"
    gateway.hides_payments = False
    with ThreadPoolExecutor(10) as pool:
        undone = list(pool.map(lambda _: service.refund_late(lost.id), range(10)))
    assert any(step.done for step in undone)
    late = service.get(lost.id)
    assert (late.status, late.captured_late, late.refunded_minor) == (PaymentStatus.REFUNDED, True, charge.amount_minor)
    again = service.refund_late(lost.id)
    assert (again.done, again.refunded_minor, again.payment_id) == (True, charge.amount_minor, lost.id)
    assert again.refund_id is not None
    assert ledger.refunds(lost.id) == [("1299.00", "succeeded")]


@pytest.mark.parametrize("ended", ["refunded", "written_off"])
def test_late_money_is_found_until_it_is_returned_or_written_off(
    service: PaymentService, gateway: FaultyGateway, clock: FakeClock, database: Database, ended: str
) -> None:
    charge = a_charge()
    lost = a_lost_charge(charge, service, gateway, clock, database)
    service.undo(charge.order_id)
    gateway.hides_payments = False
    service.refresh(lost.id)
    assert service.late_and_kept(60, 10) == []
    clock.move(seconds=61)
    assert [payment.id for payment in service.late_and_kept(60, 10)] == [lost.id]
    if ended == "refunded":
        assert service.refund_late(lost.id).done
    else:
        service.book_manually(charge.order_id, "the account is closed", lost=True)
    clock.move(seconds=61)
    assert service.late_and_kept(60, 10) == []


def test_a_late_capture_is_refunded_while_another_attempt_pays(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    first = a_charge()
    lost = a_lost_charge(first, service, gateway, clock, database)
    service.refresh(lost.id)
    gateway.hides_payments = False
    paid = service.charge(a_charge(order_id=first.order_id, attempt=2))
    assert service.refresh(lost.id).captured_late
    assert service.refund_late(lost.id).refunded_minor == first.amount_minor
    with pytest.raises(InvalidTransition):
        service.refund_late(paid.id)
    assert service.get(paid.id).status is PaymentStatus.SUCCEEDED
    assert (ledger.refunds(lost.id), ledger.refunds(paid.id)) == ([("1299.00", "succeeded")], [])


def test_refund_late_without_captured_money(service: PaymentService) -> None:
    view = service.charge(a_charge("tok_declines"))
    assert service.refund_late(view.id).done
    assert service.undo(new_id()).done
