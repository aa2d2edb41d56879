"""Payments of the provider that a restore to an older state has lost (F79): sent back, or shown to a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import structlog

from sandbox.standins.running import StandIns
from services.clock import new_id
from services.db import Database
from services.errors import NotFound
from services.payments.gateway import GatewayUnknown
from services.payments.lost_payments import LostPayments
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus
from services.payments.views import Charge
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway
from tests.journeys.waiting import until
from tests.sandbox.standins.clients import Shop, body_of
from tests.services.payments.conftest import PHONE, ProviderLedger, a_charge
from tests.services.payments.test_payment_ids import restore_to_before

BACK = timedelta(hours=1)
#: Seconds after which a payment is no longer on its way through its order's workflow.
SETTLED = 400


@pytest.fixture
def page(standins: StandIns) -> Iterator[Shop]:
    """The provider's own page, on which the shop's people refund by hand."""
    made = Shop(standins)
    yield made
    made.client.close()


@pytest.fixture
def lost(service: PaymentService, gateway: FaultyGateway, clock: FakeClock, database: Database) -> LostPayments:
    return LostPayments(database.with_clock(clock), gateway, service)


def forgotten(service: PaymentService, database: Database, charge: Charge) -> UUID:
    """The id of a payment that was charged before a restore, which has lost it."""
    made = service.charge(charge)
    restore_to_before(database, charge.order_id)
    return made.id


def found(service: PaymentService, payment: UUID) -> list[bool]:
    return [each.late for each in service.find_provider_payments(BACK) if each.payment_id == payment]


@pytest.mark.parametrize("phone", [None, PHONE])
def test_F79_money_of_an_order_that_was_cancelled_after_the_restore_is_sent_back(
    service: PaymentService, clock: FakeClock, database: Database, ledger: ProviderLedger, phone: str | None
) -> None:
    charge = a_charge(phone=phone)
    payment = forgotten(service, database, charge)
    until(lambda: ledger.charges(payment), lambda seen: seen == ["succeeded"])
    clock.set_from_database(database, SETTLED)
    assert found(service, payment) == []  # the order may still be paid
    service.undo(charge.order_id)
    assert found(service, payment) == [True]
    assert service.refund_late(payment).refunded_minor == charge.amount_minor
    known = service.get(payment)
    assert (known.status, known.method, known.attempt) == (PaymentStatus.REFUNDED, charge.method, 1)
    assert ledger.refunds(payment) == [("1299.00", "succeeded")]
    assert found(service, payment) == []


def test_F79_a_payment_whose_id_does_not_follow_from_its_order_is_left_alone(
    service: PaymentService, page: Shop, clock: FakeClock, database: Database
) -> None:
    order_id, reference = new_id(), new_id()
    provider_id = page.pay("tok_succeeds", metadata={"reference": str(reference), "order": str(order_id)})["id"]
    service.undo(order_id)
    clock.set_from_database(database, SETTLED)
    with structlog.testing.capture_logs() as logs:
        assert found(service, reference) == []
    assert provider_id in [each.get("provider_id") for each in logs if each["event"] == "payments.unknown_at_provider"]


def test_F79_a_payment_that_went_back_before_we_knew_of_it_pays_nothing(
    service: PaymentService,
    gateway: FaultyGateway,
    page: Shop,
    clock: FakeClock,
    database: Database,
    ledger: ProviderLedger,
) -> None:
    """Its order was cancelled after the backup, and its refund is lost with that."""
    gateway.after["charge"] = GatewayUnknown("lost")
    charge = a_charge(amount_minor=10_000)
    payment = service.charge(charge)
    (reported,) = ledger.standins.ledger(str(payment.id))
    body_of(page.post_refund(reported["paymentId"], "100.00"))
    clock.set_from_database(database, SETTLED)
    known = service.refresh(payment.id, charge)
    assert known.captured_late
    assert service.refund_late(payment.id).done
    assert service.get(payment.id).status is PaymentStatus.REFUNDED


def test_F79_the_money_of_an_order_that_is_gone_is_sent_back_on_demand(
    service: PaymentService, database: Database, ledger: ProviderLedger, lost: LostPayments
) -> None:
    charge = a_charge()
    payment = forgotten(service, database, charge)
    assert service.find_provider_payments(BACK) == []
    (shown,) = [each for each in lost.find(BACK) if each.reference == payment]
    with pytest.raises(NotFound):
        service.get(payment)
    assert [lost.send_back(shown).done for _ in range(2)] == [True, True]
    assert ledger.refunds(payment) == [("1299.00", "succeeded")]
    assert (service.get(payment).status, service.get(payment).refunded_minor) == (PaymentStatus.REFUNDED, 129_900)
    assert payment not in [each.reference for each in lost.find(BACK)]


def test_F79_what_the_provider_does_not_send_back_yet_is_shown_again(
    service: PaymentService, database: Database, ledger: ProviderLedger, lost: LostPayments
) -> None:
    payment = forgotten(service, database, a_charge("tok_refund_fails"))
    for _ in range(2):
        (shown,) = [each for each in lost.find(BACK) if each.reference == payment]
        assert not lost.send_back(shown).done
    assert {status for _, status in ledger.refunds(payment)} == {"canceled"}


def test_F79_payments_of_earlier_releases_are_sent_back_too(
    service: PaymentService, page: Shop, database: Database, ledger: ProviderLedger, lost: LostPayments
) -> None:
    """Their ids do not follow from the order."""
    order_id, references = new_id(), [new_id(), new_id()]
    for reference in references:
        page.pay("tok_succeeds", metadata={"reference": str(reference), "order": str(order_id)})
    for shown in [each for each in lost.find(BACK) if each.reference in references]:
        assert lost.send_back(shown).done
    assert [ledger.refunds(reference) for reference in references] == [[("100.00", "succeeded")]] * 2
    assert [each.attempt for each in service.of_order(order_id)] == [100, 101]


def test_a_payment_without_ids_of_ours_is_not_lost(lost: LostPayments, page: Shop) -> None:
    provider_id = page.pay("tok_succeeds", metadata={"reference": str(new_id())})["id"]
    assert page.payment(provider_id)["status"] == "succeeded"
    assert provider_id not in [each.provider_id for each in lost.find(BACK)]


def test_a_payment_that_names_no_order_cannot_be_sent_back(
    service: PaymentService, database: Database, lost: LostPayments
) -> None:
    payment = forgotten(service, database, a_charge())
    (shown,) = [each for each in lost.find(BACK) if each.reference == payment]
    with pytest.raises(ValueError, match="names no payment"):
        lost.send_back(replace(shown, order_id=None))
