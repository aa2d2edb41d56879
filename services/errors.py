"""Every error that a service raises, on one page; each is translated once, at the edge, by its code.

MarketError
├── Refused                  a business rule says no; trying again changes nothing
│   ├── NotFound             there is no such thing, or it is not the caller's
│   ├── Invalid              a value that cannot be accepted (422)
│   └── Conflict             the thing is not in a state that allows it (409)
└── Unavailable              a neighbour is away or busy; trying again may help
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class MarketError(Exception):
    """Base of all errors; `detail` is safe to show to the caller.

    Each class has a code of its own: failures of activities carry it, and workflows and operators match it.
    """

    code: ClassVar[str] = "internal-error"
    #: the problem type of HTTP answers (contract, section 5), where it is not `code`
    answered_as: ClassVar[str | None] = None

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        #: further members of the problem document; never a value that a person typed
        self.extra: Mapping[str, Any] = extra

    @property
    def problem_type(self) -> str:
        """The slug of the problem type that HTTP answers with."""
        return self.answered_as or self.code


class Refused(MarketError):
    """A business rule says no; trying again changes nothing."""

    code = "refused"


class NotFound(Refused):
    code = "not-found"


class Invalid(Refused):
    code = "validation-error"

    def __init__(self, detail: str = "", *, pointer: str = "", **extra: Any) -> None:
        super().__init__(detail, **extra)
        #: JSON pointer of the offending member, e.g. `/items/0/productId`
        self.pointer = pointer


class Conflict(Refused):
    """Base of refusals by the state of a thing; only its subclasses are raised."""

    code = "conflict"


class Denied(Refused):
    code = "forbidden"


class Unauthenticated(Refused):
    code = "unauthenticated"


class InvalidCredentials(Refused):
    code = "invalid-credentials"


class InvalidToken(Refused):
    code = "invalid-token"


class InvalidSignature(Refused):
    """A provider's message that is not proven to be the provider's."""

    code = "invalid-signature"


class AlreadyRegistered(Conflict):
    code = "already-registered"


class IdentifierNotVerified(Denied):
    code = "identifier-not-verified"


class ImmutableField(Invalid):
    code = "immutable-field"


class InvalidCode(Invalid):
    code = "invalid-code"


class PasswordTooWeak(Invalid):
    code = "password-too-weak"


class RateLimited(Refused):
    code = "rate-limited"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail)
        #: seconds until trying again makes sense
        self.retry_after = retry_after


class TooManyOpenOrders(RateLimited):
    code = "too-many-open-orders"


class IdempotencyKeyReused(Invalid):
    code = "idempotency-key-reused"


class IdempotencyInProgress(Conflict):
    code = "idempotency-in-progress"


class InvalidTransition(Conflict):
    code = "invalid-transition"


class OrderClosing(InvalidTransition):
    """A forward step met an order that is being cancelled or is closed."""

    code = "order-closing"
    answered_as = "invalid-transition"


class OrderClaimed(InvalidTransition):
    """Another run of the order's workflow holds the order."""

    code = "order-claimed"
    answered_as = "invalid-transition"


class OutOfStock(Conflict):
    code = "out-of-stock"

    def __init__(self, short: Sequence[Mapping[str, Any]]) -> None:
        """`short`: one `{productId, wanted, available}` for each product that is short."""
        super().__init__("There is not enough of some products.", short=list(short))
        self.short = short


class ProductUnavailable(Invalid):
    code = "product-unavailable"


class CurrencyMismatch(Invalid):
    code = "currency-mismatch"


class AmountMismatch(Invalid):
    code = "amount-mismatch"


class CardNumberNotAccepted(Invalid):
    code = "card-number-not-accepted"


class ReservationExists(Conflict):
    code = "reservation-exists"


class ReservationClosed(Conflict):
    code = "reservation-closed"


class ReservationExpired(Conflict):
    code = "reservation-expired"


class PaymentExists(Conflict):
    code = "payment-exists"


class PaymentDeclined(Conflict):
    """The provider declined the payment for good."""

    code = "payment-declined"
    answered_as = "invalid-transition"


class PaymentExpired(Conflict):
    """The time to start or to finish a payment is over."""

    code = "payment-expired"
    answered_as = "invalid-transition"


class RefundExceedsCaptured(Invalid):
    code = "refund-exceeds-captured"


class PaymentOrderMismatch(Conflict):
    code = "payment-order-mismatch"


class Unavailable(MarketError):
    """A neighbour is away or busy; trying again may help."""

    code = "service-unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 1, at_commit: bool = False) -> None:
        super().__init__(detail)
        #: seconds until trying again makes sense
        self.retry_after = retry_after
        #: True when the database went away during COMMIT, so that the outcome is not known
        self.at_commit = at_commit
