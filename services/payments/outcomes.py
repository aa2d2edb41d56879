"""What the provider's report of a payment means for our payment."""

from __future__ import annotations

from services.money import Money
from services.payments.gateway import Outcome, ProviderPayment
from services.payments.status import PaymentStatus
from services.payments.views import PaymentView

P = PaymentStatus


def status_of(told: ProviderPayment, payment: PaymentView) -> PaymentStatus:
    """Our state for what the provider tells; success with another amount than asked is for a person to look at.

    So is any success of what is under review already: somebody has told us otherwise.
    """
    match told.outcome:
        case Outcome.PENDING:
            return P.PENDING
        case Outcome.FAILED:
            return P.FAILED
        case Outcome.SUCCEEDED:
            return P.SUCCEEDED if told.amount == payment.amount and payment.status is not P.REVIEW else P.REVIEW


def captured(told: ProviderPayment, asked: Money) -> int:
    """Minor units that the provider took, in the currency asked for; money in another one cannot be counted here."""
    took = told.outcome is Outcome.SUCCEEDED and told.amount.currency == asked.currency
    return told.amount.minor if took else 0
