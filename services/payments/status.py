"""Statuses of payments and refunds with their allowed transitions, and the kinds of payment method."""

from enum import StrEnum


class PaymentMethodType(StrEnum):
    """How a payment is made: with a card token, or from the balance of a mobile phone."""

    CARD = "card"
    PHONE = "phone"


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


class FailureCode(StrEnum):
    """The failure codes that are ours; all others are the provider's."""

    #: of a payment that the provider rejected because of the shop, not of the buyer: it is no decline
    PAYMENT_UNAVAILABLE = "payment_unavailable"
    #: of a payment of which the provider knows nothing
    NOT_CHARGED = "not_charged"
    #: of a payment or refund that the provider cancelled without a reason
    CANCELED = "canceled"
    #: of a payment that a status report names with another amount
    REPORTED_OTHER_AMOUNT = "reported_other_amount"
    #: of a payment that was captured with another amount; `_` and the currency follow
    CAPTURED_OTHER_AMOUNT = "captured_other_amount"
    #: of a refund that an operator has written off
    WRITTEN_OFF = "written_off"


_S = PaymentStatus

#: Statuses in which it is not yet known whether money was or will be captured.
UNDECIDED = frozenset({_S.PENDING, _S.UNKNOWN})
#: Statuses of a payment that was captured as requested, refunded or not.
CAPTURED = frozenset({_S.SUCCEEDED, _S.PARTIALLY_REFUNDED, _S.REFUNDED})
#: Statuses that a report of another amount changes to `review`; a decided payment keeps its status (T100).
STOPPABLE = UNDECIDED

# New status: the statuses that it may follow. No transition goes back: a success is final, and a failure is
# replaced only by a later report of the provider that money was captured (F46, F48). `pending` follows `unknown` when
# the provider turns out to have the payment; `review` follows itself when the captured amount becomes known.
FOLLOWS: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    _S.PENDING: UNDECIDED,
    _S.UNKNOWN: frozenset({_S.PENDING}),
    _S.SUCCEEDED: UNDECIDED | {_S.FAILED},
    _S.FAILED: UNDECIDED,
    _S.REVIEW: UNDECIDED | {_S.FAILED, _S.REVIEW},
    _S.PARTIALLY_REFUNDED: frozenset({_S.SUCCEEDED, _S.PARTIALLY_REFUNDED, _S.REVIEW}),
    _S.REFUNDED: frozenset({_S.SUCCEEDED, _S.PARTIALLY_REFUNDED, _S.REVIEW}),
}
