"""The adapter and the stand-in provider face to face: what was lost on the line is found in the provider's books."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from sandbox.process import wait_until
from sandbox.standins.running import Neighbours
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
def outage(neighbours: Neighbours, status: int | None) -> Iterator[None]:
    """The provider is away for this block: it drops connections, or answers so."""
    neighbours.outage("payments", 60, status)
    try:
        yield
    finally:
        neighbours.outage("payments", 0)


def searched(yookassa: YooKassa, reference: UUID, provider_id: str | None = None) -> ProviderPayment | None:
    """What the provider has under our reference."""
    now = datetime.now(UTC)
    search = PaymentLookup(reference, provider_id, (), now - timedelta(minutes=1), now)
    return yookassa.look_up(search, within=WITHIN)


def outcome(yookassa: YooKassa, reference: UUID) -> Outcome | None:
    found = searched(yookassa, reference)
    return found.outcome if found else None


def a_refund(paid: ProviderPayment, minor: int, number: int = 1) -> RefundRequest:
    return RefundRequest(f"refund:{paid.provider_id}:{number}", paid.provider_id, Money(minor, "RUB"))


def test_a_card_is_charged_once_however_often_it_is_asked(yookassa: YooKassa, neighbours: Neighbours) -> None:
    reference, charge = new_id(), a_charge()
    first, second = (yookassa.charge(reference, charge, within=WITHIN) for _ in range(2))

    assert first == second == searched(yookassa, reference) == searched(yookassa, reference, first.provider_id)
    assert (first.outcome, first.amount) == (Outcome.SUCCEEDED, AMOUNT)
    assert [item["captures"] for item in neighbours.ledger(str(reference))] == [1]


def test_a_phone_is_pending_and_then_found_charged(yookassa: YooKassa) -> None:
    reference = new_id()
    asked = yookassa.charge(reference, a_charge(phone=PHONE), within=WITHIN)

    assert asked.outcome is Outcome.PENDING
    assert wait_until(lambda: outcome(yookassa, reference) is Outcome.SUCCEEDED, WITHIN)


def test_a_buyer_is_sent_to_the_page_that_asks(yookassa: YooKassa, neighbours: Neighbours) -> None:
    asked = yookassa.charge(new_id(), a_charge("tok_confirms_on_page"), within=WITHIN)

    assert asked.outcome is Outcome.PENDING
    assert asked.confirmation_url == f"{neighbours.url}/confirm/{asked.provider_id}"


@pytest.mark.parametrize("status", [429, 503])
def test_F37_a_busy_provider_is_left_alone_for_as_long_as_it_says(
    yookassa: YooKassa, neighbours: Neighbours, status: int
) -> None:
    reference = new_id()
    with outage(neighbours, status), pytest.raises(GatewayUnavailable) as busy:
        yookassa.charge(reference, a_charge(), within=WITHIN)

    assert 55 <= busy.value.retry_after <= 60
    assert neighbours.ledger(str(reference)) == []


@pytest.mark.parametrize("status", [None, 200, 500], ids=["dropped", "half an answer", "error"])
def test_F39_an_answer_that_breaks_off_is_unknown_and_then_looked_up(
    yookassa: YooKassa, neighbours: Neighbours, status: int | None
) -> None:
    reference = new_id()
    with outage(neighbours, status), pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge(), within=WITHIN)

    assert searched(yookassa, reference) is None
    assert yookassa.charge(reference, a_charge(), within=WITHIN).outcome is Outcome.SUCCEEDED


def test_F34_a_charge_that_nobody_answers_is_given_up_in_time_and_found(yookassa: YooKassa) -> None:
    reference = new_id()
    began = time.monotonic()
    with pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge("tok_times_out_charged"), within=0.5)

    assert 0.4 <= time.monotonic() - began < 1.5
    found = searched(yookassa, reference)
    assert found is not None
    assert (found.outcome, found.amount) == (Outcome.SUCCEEDED, AMOUNT)


def test_F35_a_charge_that_nobody_made_is_not_found(yookassa: YooKassa) -> None:
    reference = new_id()
    with pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge("tok_times_out_not_charged"), within=0.5)

    assert searched(yookassa, reference) is None


def test_F36_an_error_after_the_charge_is_found_charged(yookassa: YooKassa) -> None:
    reference = new_id()
    with pytest.raises(GatewayUnknown):
        yookassa.charge(reference, a_charge("tok_error_after_charge"), within=WITHIN)

    found = searched(yookassa, reference)
    assert found is not None
    assert found.outcome is Outcome.SUCCEEDED


def test_F54_a_refund_whose_answer_is_lost_is_found_by_its_key(yookassa: YooKassa, neighbours: Neighbours) -> None:
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
    assert [len(item["refunds"]) for item in neighbours.ledger(str(reference))] == [1]


def test_parts_are_refunded_up_to_the_whole_and_no_further(yookassa: YooKassa) -> None:
    paid = yookassa.charge(new_id(), a_charge(), within=WITHIN)
    parts = [yookassa.refund(a_refund(paid, minor, minor), within=WITHIN) for minor in (29_900, 100_000)]

    assert [(part.outcome, part.amount.minor) for part in parts] == [
        (Outcome.SUCCEEDED, 29_900),
        (Outcome.SUCCEEDED, 100_000),
    ]
    with pytest.raises(GatewayRefused):
        yookassa.refund(a_refund(paid, 1, 3), within=WITHIN)


def test_F53_a_refund_that_fails_says_so(yookassa: YooKassa) -> None:
    paid = yookassa.charge(new_id(), a_charge("tok_refund_fails"), within=WITHIN)
    refund = yookassa.refund(a_refund(paid, AMOUNT.minor), within=WITHIN)

    assert (refund.outcome, refund.failure_code) == (Outcome.FAILED, "general_decline")
