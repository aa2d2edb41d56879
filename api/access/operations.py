"""The operations: who may call each, how often, how it succeeds, how it fails, and what its Idempotency-Key does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from api.access.callers import ANYONE, ANYONE_KNOWN, BY_CONTENT, SIGNED, Access, callers
from api.access.rate_limits import (
    CALLER,
    CATALOG,
    EVENTS,
    EXPORT,
    LOGIN,
    PAGE,
    PRODUCT,
    PROOF,
    REGISTRATION,
    SENDING,
    SESSION,
    WEBHOOKS,
    RateLimit,
    Unlimited,
)
from services.identity.views import CallerKind, Scope

#: The path below which the services are; the keys of operations leave it out.
BASE = "/api/v1"


class KeyUse(Enum):
    """What an operation does with an `Idempotency-Key` (contract, section 1)."""

    #: takes none
    NONE = "none"
    #: validates it and stores nothing: the operation is idempotent anyway
    VALIDATED = "validated"
    #: stores it: a repeated request has no second effect
    STORED = "stored"


@dataclass(frozen=True)
class Operation:
    """All facts of one operation that are not in its handler."""

    access: Access
    limits: tuple[RateLimit, ...] | Unlimited
    #: statuses of success, the usual one first
    success: tuple[int, ...] = (200,)
    #: problems besides those that follow from the caller, the body, the parameters and the key
    problems: tuple[str, ...] = ()
    #: status of a problem, where it is not the one of its type
    statuses: Mapping[str, int] = field(default_factory=dict)
    key: KeyUse = KeyUse.NONE
    #: whether a 201 has a Location header
    location: bool = False
    #: whether a response has an ETag, and a request with If-None-Match can get 304
    etag: bool = False

    @property
    def internal(self) -> bool:
        """Whether it is for services (and operators), and no buyer or stranger may call it."""
        return self.access.scope is not None and CallerKind.BUYER not in self.access.kinds

    @property
    def all_problems(self) -> tuple[str, ...]:
        """The particular problems, with those that a stored key can cause."""
        return (*self.problems, *(_KEY_PROBLEMS if self.key is KeyUse.STORED else ()))


_KEY_PROBLEMS = ("idempotency-key-reused", "idempotency-in-progress")

_BUYER = callers(CallerKind.BUYER)
_ACCOUNT = callers(CallerKind.BUYER, CallerKind.OPERATOR)
_OPERATOR = callers(CallerKind.OPERATOR)
_VERIFIED_BUYER = callers(CallerKind.BUYER, verified=True)
_FOLLOW_ORDERS = callers(CallerKind.BUYER, CallerKind.OPERATOR, scope=Scope.ORDERS_READ, ticket=True)
_READ_ORDERS = callers(CallerKind.BUYER, CallerKind.OPERATOR, scope=Scope.ORDERS_READ)


def _service(scope: Scope) -> Access:
    return callers(CallerKind.OPERATOR, scope=scope)


_BY_CALLER = (CALLER,)
_FOUND = ("not-found",)
_STEP = ("not-found", "invalid-transition")
_FORBIDDEN = {"invalid-credentials": 403}
_STORED, _VALIDATED = KeyUse.STORED, KeyUse.VALIDATED
_PROBE = Unlimited("reports whether the database is available, and must not wait for it")
_METRICS = Unlimited("is read while the database is not available, and is not served to the public")

_REGISTER = Operation(ANYONE, (REGISTRATION,), (201,), ("already-registered", "password-too-weak"))
_LOG_IN = Operation(ANYONE, (LOGIN,), problems=("invalid-credentials", "invalid-code"), statuses={"invalid-code": 401})
_SEND_CODE = Operation(ANYONE_KNOWN, (SENDING,), (202,))
_CONFIRM_CODE = Operation(ANYONE_KNOWN, (PROOF,), problems=("invalid-code",))
_CHANGE_IDENTIFIER = Operation(_ACCOUNT, (SENDING, CALLER), (202,), ("invalid-credentials",), _FORBIDDEN)
_READ_PRODUCT = Operation(ANYONE_KNOWN, (PRODUCT,), problems=_FOUND, etag=True)

#: `METHOD /path/{template}` below the base path; at the root for what is not part of the API itself.
OPERATIONS: Mapping[str, Operation] = {
    "POST /auth/register/email": _REGISTER,
    "POST /auth/register/phone": _REGISTER,
    "POST /auth/login/email": _LOG_IN,
    "POST /auth/login/phone": _LOG_IN,
    "POST /auth/refresh": Operation(ANYONE, (SESSION,), problems=("invalid-token",)),
    "POST /auth/logout": Operation(ANYONE, (SESSION,), (204,)),
    "POST /auth/verify/email/send": _SEND_CODE,
    "POST /auth/verify/phone/send": _SEND_CODE,
    "POST /auth/verify/email/confirm": _CONFIRM_CODE,
    "POST /auth/verify/phone/confirm": _CONFIRM_CODE,
    "POST /auth/password/change": Operation(
        _ACCOUNT, _BY_CALLER, (204,), ("invalid-credentials", "password-too-weak"), _FORBIDDEN
    ),
    "POST /auth/password/reset/request": Operation(ANYONE, (SENDING,), (202,)),
    "POST /auth/password/reset/confirm": Operation(
        ANYONE, (PROOF,), (204,), ("invalid-token", "password-too-weak"), {"invalid-token": 422}
    ),
    "GET /users/me": Operation(_ACCOUNT, _BY_CALLER, problems=_FOUND),
    "PATCH /users/me": Operation(_ACCOUNT, _BY_CALLER, problems=("not-found", "immutable-field")),
    # The password, and a code, are in the body.
    "DELETE /users/me": Operation(
        _ACCOUNT, _BY_CALLER, (204,), ("invalid-credentials", "invalid-code", "invalid-transition"), _FORBIDDEN
    ),
    "GET /users/me/export": Operation(_ACCOUNT, (CALLER, EXPORT), problems=_FOUND),
    "GET /users/me/sessions": Operation(_ACCOUNT, _BY_CALLER, problems=_FOUND),
    "DELETE /users/me/sessions/{sessionId}": Operation(_ACCOUNT, _BY_CALLER, (204,), _FOUND),
    "PUT /users/me/email": _CHANGE_IDENTIFIER,
    "PUT /users/me/phone": _CHANGE_IDENTIFIER,
    "GET /users/me/otp": Operation(_ACCOUNT, _BY_CALLER, problems=_FOUND),
    # Secrets and recovery codes are shown once, so no key of theirs is stored for a repeated request.
    "POST /users/me/otp": Operation(
        _ACCOUNT,
        _BY_CALLER,
        problems=("invalid-credentials", "invalid-transition"),
        statuses=_FORBIDDEN,
        key=_VALIDATED,
    ),
    "POST /users/me/otp/confirm": Operation(
        _ACCOUNT, _BY_CALLER, problems=("invalid-code", "invalid-transition"), key=_VALIDATED
    ),
    "POST /users/me/otp/remove": Operation(
        _ACCOUNT,
        _BY_CALLER,
        (204,),
        ("invalid-credentials", "invalid-code", "invalid-transition"),
        _FORBIDDEN,
        key=_VALIDATED,
    ),
    "GET /users": Operation(_OPERATOR, _BY_CALLER, problems=_FOUND),
    # Catalog
    "GET /products": Operation(ANYONE_KNOWN, (CATALOG,), etag=True),
    "GET /products/{productId}": _READ_PRODUCT,
    "GET /products/{productId}/price": _READ_PRODUCT,
    "GET /products/{productId}/stock": _READ_PRODUCT,
    "POST /products": Operation(_OPERATOR, _BY_CALLER, (201,), key=_STORED, location=True),
    "PATCH /products/{productId}": Operation(_OPERATOR, _BY_CALLER, problems=_FOUND),
    "PUT /products/{productId}/stock": Operation(
        _OPERATOR, _BY_CALLER, problems=_STEP, statuses={"invalid-transition": 412}
    ),
    "POST /products/{productId}/stock/adjustments": Operation(
        _OPERATOR, _BY_CALLER, (201,), ("not-found", "out-of-stock"), key=_STORED
    ),
    # Orders
    "POST /orders": Operation(
        _VERIFIED_BUYER,
        _BY_CALLER,
        (201,),
        (
            "identifier-not-verified",
            "out-of-stock",
            "hold-limit",
            "price-changed",
            "product-unavailable",
            "currency-mismatch",
            "card-number-not-accepted",
            "too-many-open-orders",
        ),
        key=_STORED,
        location=True,
    ),
    "GET /orders": Operation(_OPERATOR, _BY_CALLER),
    "GET /orders/me": Operation(_BUYER, _BY_CALLER),
    "GET /orders/{orderId}": Operation(_READ_ORDERS, _BY_CALLER, problems=_FOUND),
    # By address too: a guessed ticket costs a transaction before its caller is known.
    "GET /orders/{orderId}/events": Operation(_FOLLOW_ORDERS, (EVENTS, CALLER), problems=_FOUND),
    "POST /orders/{orderId}/events/ticket": Operation(_ACCOUNT, _BY_CALLER, (201,), _FOUND, key=_VALIDATED),
    "POST /orders/{orderId}/reserve": Operation(
        _ACCOUNT, _BY_CALLER, (200, 202), (*_STEP, "reservation-expired"), key=_STORED
    ),
    "POST /orders/{orderId}/pay": Operation(
        _ACCOUNT,
        _BY_CALLER,
        (200, 202),
        (*_STEP, "reservation-expired", "payment-exists", "card-number-not-accepted"),
        key=_STORED,
    ),
    "POST /orders/{orderId}/confirm": Operation(_ACCOUNT, _BY_CALLER, (200, 202), _STEP, key=_STORED),
    "POST /orders/{orderId}/cancel": Operation(_ACCOUNT, _BY_CALLER, (200, 202), _STEP, key=_STORED),
    "GET /orders/{orderId}/comparison": Operation(_OPERATOR, _BY_CALLER, problems=_FOUND),
    "POST /orders/{orderId}/resolve": Operation(_OPERATOR, _BY_CALLER, problems=_STEP, key=_VALIDATED),
    "POST /orders/{orderId}/payment-status": Operation(
        _service(Scope.PAYMENTS_NOTIFY), _BY_CALLER, problems=("not-found", "payment-order-mismatch"), key=_VALIDATED
    ),
    # Reservations
    "GET /stocks": Operation(_service(Scope.STOCKS_READ), _BY_CALLER),
    "POST /reservations": Operation(
        _service(Scope.RESERVATIONS_WRITE),
        _BY_CALLER,
        (201, 200),
        ("out-of-stock", "reservation-exists", "reservation-closed"),
        key=_STORED,
    ),
    "GET /reservations/{reservationId}": Operation(_service(Scope.RESERVATIONS_READ), _BY_CALLER, problems=_FOUND),
    "POST /reservations/{reservationId}/confirm": Operation(
        _service(Scope.RESERVATIONS_WRITE), _BY_CALLER, problems=_STEP, key=_STORED
    ),
    "POST /reservations/{reservationId}/release": Operation(
        _service(Scope.RESERVATIONS_WRITE), _BY_CALLER, problems=_STEP, key=_STORED
    ),
    # Payments
    "POST /payments": Operation(
        _service(Scope.PAYMENTS_WRITE),
        _BY_CALLER,
        (201, 202),
        (
            *_STEP,
            "payment-exists",
            "amount-mismatch",
            "currency-mismatch",
            "card-number-not-accepted",
            "reservation-expired",
        ),
        key=_STORED,
    ),
    "GET /payments/{paymentId}": Operation(_service(Scope.PAYMENTS_READ), _BY_CALLER, problems=_FOUND),
    "POST /payments/{paymentId}/notify": Operation(
        SIGNED, (WEBHOOKS,), problems=("not-found", "invalid-signature", "payment-order-mismatch")
    ),
    "POST /payments/webhooks/{gateway}": Operation(
        BY_CONTENT, (WEBHOOKS,), problems=("not-found", "invalid-signature")
    ),
    "POST /refunds": Operation(
        _service(Scope.REFUNDS_WRITE),
        _BY_CALLER,
        (201,),
        (*_STEP, "payment-order-mismatch", "currency-mismatch", "refund-exceeds-captured"),
        key=_STORED,
    ),
    "GET /refunds/{refundId}": Operation(_service(Scope.REFUNDS_READ), _BY_CALLER, problems=_FOUND),
    # Notifications
    "POST /notifications/send": Operation(_service(Scope.NOTIFICATIONS_WRITE), _BY_CALLER, (202,), key=_STORED),
    "GET /notifications": Operation(_service(Scope.NOTIFICATIONS_READ), _BY_CALLER),
    "GET /notifications/{notificationId}": Operation(_service(Scope.NOTIFICATIONS_READ), _BY_CALLER, problems=_FOUND),
    # Outgoing webhooks. A key keeps no secret: a repeated request gets the endpoint without it.
    "POST /webhook-endpoints": Operation(_OPERATOR, _BY_CALLER, (201,), key=_STORED, location=True),
    "GET /webhook-endpoints": Operation(_OPERATOR, _BY_CALLER),
    "GET /webhook-endpoints/{endpointId}": Operation(_OPERATOR, _BY_CALLER, problems=_FOUND),
    "PATCH /webhook-endpoints/{endpointId}": Operation(_OPERATOR, _BY_CALLER, problems=_FOUND),
    "DELETE /webhook-endpoints/{endpointId}": Operation(_OPERATOR, _BY_CALLER, (204,), _FOUND),
    "POST /webhook-endpoints/{endpointId}/secret": Operation(_OPERATOR, _BY_CALLER, problems=_FOUND, key=_STORED),
    "POST /webhook-endpoints/{endpointId}/redeliver": Operation(_OPERATOR, _BY_CALLER, (202,), _STEP, key=_VALIDATED),
    "GET /webhook-deliveries": Operation(_OPERATOR, _BY_CALLER),
    "GET /webhook-deliveries/{deliveryId}": Operation(_OPERATOR, _BY_CALLER, problems=_FOUND),
    "POST /webhook-deliveries/{deliveryId}/redeliver": Operation(_OPERATOR, _BY_CALLER, (202,), _STEP, key=_VALIDATED),
    # For operators only
    "GET /operations/overview": Operation(_OPERATOR, _BY_CALLER),
    # Not part of the API itself
    "GET /.well-known/jwks.json": Operation(ANYONE, (PAGE,)),
    "GET /livez": Operation(ANYONE, _PROBE),
    "GET /readyz": Operation(ANYONE, _PROBE),
    "GET /metrics": Operation(ANYONE, _METRICS),
    "GET /": Operation(ANYONE, (PAGE,)),
    "GET /guide": Operation(ANYONE, (PAGE,)),
    "GET /problems": Operation(ANYONE, (PAGE,)),
    "GET /problems/{slug}": Operation(ANYONE, (PAGE,)),
    "GET /return": Operation(ANYONE, (PAGE,)),
    "GET /docs": Operation(ANYONE, (PAGE,)),
    "GET /docs/{asset}": Operation(ANYONE, (PAGE,)),
    "GET /openapi.json": Operation(ANYONE, (PAGE,)),
}


def find_operation(key: str) -> Operation:
    """The row of `METHOD /path/{template}`. Raises LookupError: a route without a row must not be served."""
    try:
        return OPERATIONS[key]
    except KeyError:
        raise LookupError(f"api/access/operations.py has no row for {key!r}: add one") from None


def methods_of(path: str) -> list[str]:
    """The methods of a path template, for `Allow`; HEAD wherever GET is."""
    methods = {method for method, _, known in (row.partition(" ") for row in OPERATIONS) if known == path}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))
