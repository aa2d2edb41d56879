"""Translates a payment as the provider reports it into our status and captured amount."""

from __future__ import annotations

from services.money import Money
from services.payments.gateway import Outcome, ProviderPayment
from services.payments.status import PaymentStatus
from services.payments.views import PaymentView


def status_of(reported: ProviderPayment, payment: PaymentView) -> PaymentStatus:
    """Our status for what the provider reports.

    A success needs a review by a person when its amount differs from the amount requested, or when the payment is
    under review already.
    """
    match reported.outcome:
        case Outcome.PENDING:
            return PaymentStatus.PENDING
        case Outcome.FAILED:
            return PaymentStatus.FAILED
        case Outcome.SUCCEEDED:
            expected = reported.amount == payment.amount and payment.status is not PaymentStatus.REVIEW
            return PaymentStatus.SUCCEEDED if expected else PaymentStatus.REVIEW


def captured_minor(reported: ProviderPayment, requested: Money) -> int:
    """Minor units captured, in the currency requested; 0 when the provider captured another currency."""
    return reported.captured_minor if reported.amount.currency == requested.currency else 0
