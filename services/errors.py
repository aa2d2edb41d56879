"""Every error that a service raises. Each is translated once, at the edge, by its `code`.

MarketError                         base of all errors
├── Refused                         a business rule refuses the request; a retry changes nothing
│   ├── NotFound                    the resource does not exist, or the caller may not see it
│   ├── Invalid                     a value is not acceptable (422)
│   │   ├── ImmutableField          the field cannot be changed
│   │   ├── InvalidCode             the code is missing, wrong, used or expired
│   │   ├── PasswordTooWeak         the password is too short or easy to guess
│   │   ├── IdempotencyKeyReused    the Idempotency-Key was used with another request
│   │   ├── ProductUnavailable      a product is unknown or not for sale
│   │   ├── CurrencyMismatch        the amounts have different currencies
│   │   ├── AmountMismatch          the amount differs from the expected one
│   │   └── RefundExceedsCaptured   the refunds would exceed the captured amount
│   ├── Conflict                    the state of the resource does not allow the request (409)
│   │   ├── AlreadyRegistered       an account with this identifier exists
│   │   ├── IdempotencyInProgress   a request with the same Idempotency-Key is still running
│   │   ├── InvalidTransition       the status does not allow this transition
│   │   │   ├── OrderClosing        a forward step of an order that is being cancelled or is closed
│   │   │   └── OrderClaimed        another run of the order's workflow holds the order
│   │   ├── OutOfStock              there are not enough units of a product
│   │   ├── ReservationExists       the order has a reservation already
│   │   ├── ReservationClosed       the reservation was released or confirmed
│   │   ├── ReservationExpired      the hold of the reservation is over
│   │   ├── PaymentExists           the order has a live payment already
│   │   ├── PaymentDeclined         the provider declined the payment
│   │   ├── PaymentExpired          the time to start or to complete the payment is over
│   │   └── PaymentOrderMismatch    the payment belongs to another order
│   ├── Denied                      the caller may not do this (403)
│   │   └── IdentifierNotVerified   the caller's e-mail address or phone is not verified
│   ├── Unauthenticated             there is no valid access token (401)
│   ├── InvalidCredentials          identifier and password do not match (401)
│   ├── InvalidToken                the refresh or reset token is not valid
│   ├── InvalidSignature            the signature of a webhook is not valid
│   └── RateLimited                 too many requests (429)
│       └── TooManyOpenOrders       the buyer has too many unpaid orders
└── Unavailable                     a dependency is not available or busy; a retry may succeed (503)

Defined elsewhere: those of HTTP alone (PayloadTooLarge, UnsupportedMediaType, MalformedJson) in api.requests.body;
TookTooLong, an Unavailable, in services.db; HoldLimit, a Conflict, in services.orders.holds. Errors of an import file
are ValueErrors: UnreadableFile in services.catalog.files, BadRows in services.catalog.importing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class MarketError(Exception):
    """Base of all errors; `detail` may be shown. Workflows match the code, which each class has of its own."""

    code: ClassVar[str] = "internal-error"
    #: the problem type of HTTP answers (contract, section 5), where it is not `code`
    answered_as: ClassVar[str | None] = None

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        #: further members of the problem document; no personal data
        self.extra: Mapping[str, Any] = extra

    @property
    def problem_type(self) -> str:
        """The slug of the problem type that HTTP answers with."""
        return self.answered_as or self.code


class Refused(MarketError):
    """A business rule refuses the request; a retry changes nothing."""

    code = "refused"


class NotFound(Refused):
    """The resource does not exist, or the caller may not see it."""

    code = "not-found"


class Invalid(Refused):
    """A value is not acceptable."""

    code = "validation-error"

    def __init__(self, detail: str = "", *, pointer: str = "", **extra: Any) -> None:
        super().__init__(detail, **extra)
        #: JSON pointer of the offending member, e.g. `/items/0/productId`
        self.pointer = pointer


class Conflict(Refused):
    """Base of refusals by the state of a thing; only its subclasses are raised."""

    code = "conflict"


class Denied(Refused):
    """The caller may not do this."""

    code = "forbidden"


class Unauthenticated(Refused):
    """There is no valid access token; one text for every cause (G1)."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("A valid access token is required. Sign in.")


class InvalidCredentials(Refused):
    """Identifier and password do not match."""

    code = "invalid-credentials"


class InvalidToken(Refused):
    """The refresh or reset token is not valid."""

    code = "invalid-token"


class InvalidSignature(Refused):
    """The signature of a webhook is not valid."""

    code = "invalid-signature"


class AlreadyRegistered(Conflict):
    """An account with this identifier exists."""

    code = "already-registered"


class IdentifierNotVerified(Denied):
    """The caller's e-mail address or phone number is not verified."""

    code = "identifier-not-verified"


class ImmutableField(Invalid):
    """The field cannot be changed."""

    code = "immutable-field"


class InvalidCode(Invalid):
    """The code of a verification or of a second factor is missing, wrong, used or expired."""

    code = "invalid-code"


class PasswordTooWeak(Invalid):
    """The password is too short or easy to guess."""

    code = "password-too-weak"


class RateLimited(Refused):
    """Too many requests."""

    code = "rate-limited"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail)
        #: seconds to wait before a retry
        self.retry_after = retry_after


class TooManyOpenOrders(RateLimited):
    """The buyer has too many unpaid orders."""

    code = "too-many-open-orders"


class IdempotencyKeyReused(Invalid):
    """The Idempotency-Key was used with another request."""

    code = "idempotency-key-reused"


class IdempotencyInProgress(Conflict):
    """A request with the same Idempotency-Key is still running."""

    code = "idempotency-in-progress"


class InvalidTransition(Conflict):
    """The status does not allow this transition."""

    code = "invalid-transition"


class OrderClosing(InvalidTransition):
    """A forward step of an order that is being cancelled or is closed."""

    code = "order-closing"
    answered_as = "invalid-transition"


class OrderClaimed(InvalidTransition):
    """Another run of the order's workflow holds the order."""

    code = "order-claimed"
    answered_as = "invalid-transition"


class OutOfStock(Conflict):
    """There are not enough units of a product."""

    code = "out-of-stock"

    def __init__(self, short: Sequence[Mapping[str, Any]]) -> None:
        """`short`: `{productId, wanted, available}` of each product without enough units."""
        super().__init__("There is not enough of some products.", short=list(short))


class ProductUnavailable(Invalid):
    """A product is unknown or not for sale."""

    code = "product-unavailable"


class CurrencyMismatch(Invalid):
    """The amounts have different currencies."""

    code = "currency-mismatch"


class AmountMismatch(Invalid):
    """The amount differs from the expected one."""

    code = "amount-mismatch"


class ReservationExists(Conflict):
    """The order has a reservation already."""

    code = "reservation-exists"


class ReservationClosed(Conflict):
    """The reservation was released or confirmed."""

    code = "reservation-closed"


class ReservationExpired(Conflict):
    """The hold of the reservation is over."""

    code = "reservation-expired"


class PaymentExists(Conflict):
    """The order has a live payment already."""

    code = "payment-exists"


class PaymentDeclined(Conflict):
    """The provider declined the payment for good."""

    code = "payment-declined"
    answered_as = "invalid-transition"


class PaymentExpired(Conflict):
    """The time to start or to complete the payment is over."""

    code = "payment-expired"
    answered_as = "invalid-transition"


class RefundExceedsCaptured(Invalid):
    """The refunds would exceed the captured amount."""

    code = "refund-exceeds-captured"


class PaymentOrderMismatch(Conflict):
    """The payment belongs to another order."""

    code = "payment-order-mismatch"


class Unavailable(MarketError):
    """A dependency is not available or busy; a retry may succeed."""

    code = "service-unavailable"

    def __init__(
        self, detail: str = "", *, retry_after: int = 1, at_commit: bool = False, waited: bool = False
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after  #: seconds to wait before a retry
        #: True when the database connection was lost during COMMIT, so that the outcome is unknown
        self.at_commit = at_commit
        self.waited = waited  #: for a free connection of the pool, in vain
