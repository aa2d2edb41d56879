"""Rows of payments and refunds as records: when to look again, and how to find them at the provider."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.clock import new_id
from services.money import Money
from services.payments.gateway import RefundRequest
from services.payments.records import PaymentRow, RefundRow

CREATED = datetime(2026, 11, 23, 9, tzinfo=UTC)
PAYMENT = PaymentRow(
    id=new_id(),
    order_id=new_id(),
    attempt=1,
    status="pending",
    amount_minor=100,
    currency="RUB",
    method="card",
    provider_id=None,
    confirmation_url=None,
    failure_code=None,
    captured_minor=0,
    refunded_minor=0,
    captured_late=False,
    claimed_until=CREATED + timedelta(seconds=5),
    created_at=CREATED,
    claimed_for=3.0,
    term_left=60.0,
    pending_until=CREATED + timedelta(seconds=62),
    age=2.0,
    payments_closed=False,
    candidate_ids=["p-1"],
)
REFUND = RefundRow(
    id=new_id(),
    payment_id=PAYMENT.id,
    order_id=PAYMENT.order_id,
    number=2,
    amount_minor=30,
    currency="RUB",
    status="pending",
    provider_id=None,
    failure_code=None,
    claimed_until=None,
    restock=False,
    payment_provider_id="p-1",
    claimed_for=0.0,
    unchanged_for=9.0,
    age=10.0,
)


@pytest.mark.parametrize(
    ("status", "provider_id", "age", "seconds"),
    [
        ("pending", None, 2.0, 3.0),
        ("pending", "p-1", 2.0, 1.0),
        ("unknown", "p-1", 80.0, 10.0),
        ("unknown", "p-1", 9000.0, 60.0),
        ("succeeded", "p-1", 80.0, 0.0),
        ("review", None, 2.0, 0.0),
    ],
)
def test_retry_after_of_a_payment(status: str, provider_id: str | None, age: float, seconds: float) -> None:
    row = replace(PAYMENT, status=status, provider_id=provider_id, age=age)
    assert row.record().view.retry_after == seconds


def test_a_decided_payment_has_no_term() -> None:
    assert PAYMENT.record().view.term_left == 60.0
    assert PAYMENT.record().view.pending_until == CREATED + timedelta(seconds=62)
    decided = replace(PAYMENT, status="failed").record().view
    assert (decided.term_left, decided.pending_until) == (None, None)


def test_a_look_up_covers_the_time_from_the_intent_to_the_end_of_the_claim() -> None:
    lookup = PAYMENT.record().lookup
    assert (lookup.reference, lookup.candidate_ids) == (PAYMENT.id, ("p-1",))
    assert (lookup.since, lookup.until) == (CREATED, CREATED + timedelta(seconds=5))
    assert replace(PAYMENT, claimed_until=None).record().lookup.until == CREATED


def test_a_refund_request_has_the_key_of_its_payment_and_number() -> None:
    key = f"refund:{PAYMENT.id}:2"
    assert REFUND.record().request == RefundRequest(key, "p-1", Money(30, "RUB"))


@pytest.mark.parametrize(("status", "seconds"), [("pending", 1.0), ("succeeded", 0.0), ("failed", 0.0)])
def test_retry_after_of_a_refund(status: str, seconds: float) -> None:
    assert replace(REFUND, status=status).record().view.retry_after == seconds
