"""Statuses of payments and refunds, and which may follow which."""

from enum import StrEnum


class PaymentStatus(StrEnum):
    """The status of a payment.

    `pending → succeeded | failed | unknown | review`, `succeeded → partially_refunded → refunded`.
    """

    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REVIEW = "review"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class RefundStatus(StrEnum):
    """The status of a refund: `pending → succeeded | failed`."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class PaymentMethodType(StrEnum):
    """What pays: a card, or the balance of a mobile phone."""

    CARD = "card"
    PHONE = "phone"


P = PaymentStatus

# New status: the statuses it may follow. Nothing goes back: a success is never undone, a failure gives way only to
# a later report of the provider that the money was taken (F46, F48). `pending` follows `unknown` once the provider
# is known to have the payment; `review` follows itself once the amount taken is known.
FOLLOWS: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    P.PENDING: frozenset({P.PENDING, P.UNKNOWN}),
    P.UNKNOWN: frozenset({P.PENDING}),
    P.SUCCEEDED: frozenset({P.PENDING, P.UNKNOWN, P.FAILED}),
    P.FAILED: frozenset({P.PENDING, P.UNKNOWN}),
    P.REVIEW: frozenset({P.PENDING, P.UNKNOWN, P.FAILED, P.REVIEW}),
    P.PARTIALLY_REFUNDED: frozenset({P.SUCCEEDED, P.PARTIALLY_REFUNDED, P.REVIEW}),
    P.REFUNDED: frozenset({P.SUCCEEDED, P.PARTIALLY_REFUNDED, P.REVIEW}),
}

#: Statuses that a webhook with another amount may turn into `review`; a decided payment stays decided (T100).
STOPPABLE = frozenset({P.PENDING, P.UNKNOWN})
