"""The provider's report of a payment as our status and captured amount."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.clock import new_id
from services.money import Money
from services.payments.gateway import Outcome, ProviderPayment
from services.payments.outcomes import captured_minor, status_of
from services.payments.status import PaymentMethodType, PaymentStatus
from services.payments.views import PaymentView

REQUESTED = Money(100, "RUB")
CREATED = datetime(2026, 11, 23, 9, tzinfo=UTC)


def a_payment(status: PaymentStatus = PaymentStatus.PENDING) -> PaymentView:
    return PaymentView(
        new_id(), new_id(), 1, status, REQUESTED, PaymentMethodType.CARD, None, None, None, 0, 0, False, 0, None
    )


@pytest.mark.parametrize(
    ("outcome", "amount", "status", "captured"),
    [
        (Outcome.PENDING, REQUESTED, PaymentStatus.PENDING, 0),
        (Outcome.FAILED, REQUESTED, PaymentStatus.FAILED, 0),
        (Outcome.SUCCEEDED, REQUESTED, PaymentStatus.SUCCEEDED, 100),
        (Outcome.SUCCEEDED, Money(99, "RUB"), PaymentStatus.REVIEW, 99),
        (Outcome.SUCCEEDED, Money(100, "USD"), PaymentStatus.REVIEW, 0),
    ],
)
def test_T100_status_and_captured_amount(outcome: Outcome, amount: Money, status: PaymentStatus, captured: int) -> None:
    reported = ProviderPayment("p-1", outcome, amount, CREATED)
    assert (status_of(reported, a_payment()), captured_minor(reported, REQUESTED)) == (status, captured)


def test_T100_a_success_of_a_payment_under_review_stays_under_review() -> None:
    reported = ProviderPayment("p-1", Outcome.SUCCEEDED, REQUESTED, CREATED)
    assert status_of(reported, a_payment(PaymentStatus.REVIEW)) is PaymentStatus.REVIEW
