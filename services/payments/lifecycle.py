"""Which state of a payment may follow which: the one table that every change goes through."""

from __future__ import annotations

from services.money import Money
from services.payments.gateway import Outcome, ProviderPayment
from services.payments.models import PaymentStatus
from services.payments.views import PaymentView

P = PaymentStatus

# New state: the states it may follow. Nothing goes back: a success is never forgotten, a failure gives way only to
# the provider's word that money was taken after all (FAULTS F46, F48). `pending` follows `unknown` once the provider
# is known to have the payment, `review` follows itself once it is known what was taken.
FOLLOWS: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    P.PENDING: frozenset({P.PENDING, P.UNKNOWN}),
    P.UNKNOWN: frozenset({P.PENDING}),
    P.SUCCEEDED: frozenset({P.PENDING, P.UNKNOWN, P.FAILED}),
    P.FAILED: frozenset({P.PENDING, P.UNKNOWN}),
    P.REVIEW: frozenset({P.PENDING, P.UNKNOWN, P.FAILED, P.REVIEW}),
    P.PARTIALLY_REFUNDED: frozenset({P.SUCCEEDED, P.PARTIALLY_REFUNDED, P.REVIEW}),
    P.REFUNDED: frozenset({P.SUCCEEDED, P.PARTIALLY_REFUNDED, P.REVIEW}),
}

#: What a message with another amount than asked may stop; what is decided stays so (ABUSE T100).
STOPPABLE = frozenset({P.PENDING, P.UNKNOWN})


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
