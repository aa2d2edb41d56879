"""The YooKassa gateway against the stand-in provider: results with lost answers are found by look-ups."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from sandbox.process import wait_until
from sandbox.standins.running import StandIns
from services.clock import new_id
from services.money import Money
from services.payments.gateway import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    Outcome,
    PaymentLookup,
    ProviderPayment,
    RefundRequest,
)
from services.payments.yookassa.gateway import YooKassa
from tests.services.payments.conftest import PHONE, a_charge

AMOUNT = Money(129_900, "RUB")
WITHIN = 5.0


@contextmanager
def outage(standins: StandIns, status: int | None) -> Iterator[None]:
    """Within this block the provider drops connections, or answers with `status`."""
    standins.outage("payments", 60, status)
    try:
        yield
    finally:
        standins.outage("payments", 0)


def searched(yookassa: YooKassa, reference: UUID, provider_id: str | None = None) -> ProviderPayment | None:
    """Look a payment up by our reference."""
    now = datetime.now(UTC)
    search = PaymentLookup(reference, provider_id, (), now - timedelta(minutes=1), now)
    return yookassa.look_up(search, within=WITHIN)


def outcome(yookassa: YooKassa, reference: UUID) -> Outcome | None:
    found = searched(yookassa, reference)
    return found.outcome if found else None


def a_refund(paid: ProviderPayment, minor: int, number: int = 1) -> RefundRequest:
    return RefundRequest(f"refund:{paid.provider_id}:{number}", paid.provider_id, Money(minor, "RUB"))


def test_repeated_charges_of_one_reference_charge_once(yookassa: YooKassa, standins: StandIns) -> None:
    reference, charge = new_id(), a_charge()
    first, second = (yookassa.charge(reference, charge, within=WITHIN) for _ in range(2))

    assert first == second == searched(yookassa, reference) == searched(yookassa, reference, first.provider_id)
    assert (first.outcome, first.amount) == (Outcome.SUCCEEDED, AMOUNT)
    assert [item["captures"] for item in standins.ledger(str(reference))] == [1]


def test_a_phone_payment_is_pending_and_then_succeeds(yookassa: YooKassa) -> None:
    reference = new_id()
    asked = yookassa.charge(reference, a_charge(phone=PHONE), within=WITHIN)

    assert asked.outcome is Outcome.PENDING
    assert wait_until(lambda: outcome(yookassa, reference) is Outcome.SUCCEEDED, WITHIN)


def test_a_card_with_confirmation_has_a_confirmation_url(yookassa: YooKassa, standins: StandIns) -> None:
    asked = yookassa.charge(new_id(), a_charge("tok_confirms_on_page"), within=WITHIN)

    assert asked.outcome is Outcome.PENDING
    assert asked.confirmation_url == f"{standins.url}/confirm/{asked.provider_id}"


@pytest.mark.parametrize("status", [429, 503])
def test_F37_a_busy_provider_is_unavailable_until_retry_after(
    yookassa: YooKassa, standins: StandIns, status: int
) -> None:
    reference = new_id()
    with outage(standins, status), pytest.raises(GatewayUnavailable) as busy:
        yookassa.charge(reference, a_charge(), within=WITHIN)

    assert 55 <= busy.value.retry_after <= 60
    assert standins.ledger(str(reference)) == []


@pytest.mark.parametrize("status", [None, 200, 500], ids=["dropped", "half an answer", "error"])
def test_F39_a_truncated_response_is_unknown_and_then_looked_up(
    yookassa: YooKassa, standins: StandIns, status: int | None
) -> None:
    reference = new_id()
    with outage(standins, status), pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge(), within=WITHIN)

    assert searched(yookassa, reference) is None
    assert yookassa.charge(reference, a_charge(), within=WITHIN).outcome is Outcome.SUCCEEDED


def test_F34_a_charge_without_an_answer_times_out_and_is_found(yookassa: YooKassa) -> None:
    reference = new_id()
    began = time.monotonic()
    with pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge("tok_times_out_charged"), within=0.5)

    assert 0.4 <= time.monotonic() - began < 1.5
    found = searched(yookassa, reference)
    assert found is not None
    assert (found.outcome, found.amount) == (Outcome.SUCCEEDED, AMOUNT)


def test_F35_a_charge_that_was_not_made_is_not_found(yookassa: YooKassa) -> None:
    reference = new_id()
    with pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge("tok_times_out_not_charged"), within=0.5)

    assert searched(yookassa, reference) is None


def test_F36_a_charge_followed_by_an_error_is_found(yookassa: YooKassa) -> None:
    reference = new_id()
    with pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge("tok_error_after_charge"), within=WITHIN)

    found = searched(yookassa, reference)
    assert found is not None
    assert found.outcome is Outcome.SUCCEEDED


def test_F54_a_refund_whose_answer_is_lost_is_found_by_its_key(yookassa: YooKassa, standins: StandIns) -> None:
    reference = new_id()
    with pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge("tok_error_after_charge"), within=WITHIN)
    paid = searched(yookassa, reference)
    assert paid is not None
    refund = a_refund(paid, AMOUNT.minor)
    assert yookassa.look_up_refund(refund, None, within=WITHIN) is None
    with pytest.raises(GatewayUnknown):
        yookassa.refund(refund, within=WITHIN)

    found = yookassa.look_up_refund(refund, None, within=WITHIN)
    assert found is not None
    assert found == yookassa.look_up_refund(refund, found.provider_id, within=WITHIN)
    assert found == yookassa.refund(refund, within=WITHIN)
    assert [len(item["refunds"]) for item in standins.ledger(str(reference))] == [1]


def test_partial_refunds_cannot_exceed_the_payment(yookassa: YooKassa) -> None:
    paid = yookassa.charge(new_id(), a_charge(), within=WITHIN)
    parts = [yookassa.refund(a_refund(paid, minor, minor), within=WITHIN) for minor in (29_900, 100_000)]

    assert [(part.outcome, part.amount.minor) for part in parts] == [
        (Outcome.SUCCEEDED, 29_900),
        (Outcome.SUCCEEDED, 100_000),
    ]
    with pytest.raises(GatewayRefused):
        yookassa.refund(a_refund(paid, 1, 3), within=WITHIN)


def test_F53_a_failed_refund_has_its_code(yookassa: YooKassa) -> None:
    paid = yookassa.charge(new_id(), a_charge("tok_refund_fails"), within=WITHIN)
    refund = yookassa.refund(a_refund(paid, AMOUNT.minor), within=WITHIN)

    assert (refund.outcome, refund.failure_code) == (Outcome.FAILED, "general_decline")
