"""Who may call which operation: one table, which every route enforces and a test walks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from services.errors import Denied, Unauthenticated
from services.identity.views import Caller, CallerKind, Scope


class Token(Enum):
    """What an operation does with the bearer token."""

    #: without one, or with a bad one: 401
    NEEDED = "needed"
    #: without one the caller is anonymous; a bad one is 401
    WELCOME = "welcome"
    #: not looked at, so that an old token never stands in the way of signing in
    IGNORED = "ignored"


@dataclass(frozen=True)
class Admission:
    """Who is let in: these kinds of callers, and services that hold the scope."""

    token: Token
    kinds: frozenset[CallerKind] = frozenset()
    scope: Scope | None = None
    #: where ORDERS_REQUIRE_VERIFIED is on, only with a verified address or number
    verified: bool = False

    def check(self, caller: Caller | None) -> None:
        """Raises Unauthenticated, Denied."""
        if self.token is not Token.NEEDED:
            return
        if caller is None:
            raise Unauthenticated("A valid access token is needed: sign in.")
        if caller.kind not in self.kinds and not (self.scope and caller.may(self.scope)):
            raise Denied("This token is not good for this operation.")


def _callers(*kinds: CallerKind, scope: Scope | None = None, verified: bool = False) -> Admission:
    return Admission(Token.NEEDED, frozenset(kinds), scope, verified)


ANYONE = Admission(Token.IGNORED)
#: Authenticated by what it carries in the body or in headers of its own, inside the operation.
BY_CONTENT = Admission(Token.IGNORED)
#: Operators are shown more.
ANYONE_KNOWN = Admission(Token.WELCOME)
_BUYER, _OPERATOR = CallerKind.BUYER, CallerKind.OPERATOR

#: `METHOD /path/{template}` below the base path, or at the root for what is no part of the api proper.
OPERATIONS: Mapping[str, Admission] = {
    "POST /auth/register/email": ANYONE,
    "POST /auth/register/phone": ANYONE,
    "POST /auth/login/email": ANYONE,
    "POST /auth/login/phone": ANYONE,
    "POST /auth/refresh": ANYONE,
    "POST /auth/logout": ANYONE,
    "POST /auth/verify/email/send": ANYONE,
    "POST /auth/verify/phone/send": ANYONE,
    "POST /auth/verify/email/confirm": ANYONE_KNOWN,
    "POST /auth/verify/phone/confirm": ANYONE_KNOWN,
    "POST /auth/password/change": _callers(_BUYER, _OPERATOR),
    "POST /auth/password/reset/request": ANYONE,
    "POST /auth/password/reset/confirm": ANYONE,
    "GET /users/me": _callers(_BUYER, _OPERATOR),
    "PATCH /users/me": _callers(_BUYER, _OPERATOR),
    "GET /users/me/sessions": _callers(_BUYER, _OPERATOR),
    "DELETE /users/me/sessions/{sessionId}": _callers(_BUYER, _OPERATOR),
    "PUT /users/me/email": _callers(_BUYER, _OPERATOR),
    "PUT /users/me/phone": _callers(_BUYER, _OPERATOR),
    "GET /products": ANYONE_KNOWN,
    "GET /products/{productId}": ANYONE_KNOWN,
    "GET /products/{productId}/price": ANYONE_KNOWN,
    "GET /products/{productId}/stock": ANYONE_KNOWN,
    "POST /products": _callers(_OPERATOR),
    "PATCH /products/{productId}": _callers(_OPERATOR),
    "PUT /products/{productId}/stock": _callers(_OPERATOR),
    "POST /orders": _callers(_BUYER, verified=True),
    "GET /orders": _callers(_OPERATOR),
    "GET /orders/me": _callers(_BUYER),
    "GET /orders/{orderId}": _callers(_BUYER, _OPERATOR, scope=Scope.ORDERS_READ),
    "GET /orders/{orderId}/events": _callers(_BUYER, _OPERATOR, scope=Scope.ORDERS_READ),
    "POST /orders/{orderId}/reserve": _callers(_BUYER, _OPERATOR),
    "POST /orders/{orderId}/pay": _callers(_BUYER, _OPERATOR),
    "POST /orders/{orderId}/confirm": _callers(_BUYER, _OPERATOR),
    "POST /orders/{orderId}/cancel": _callers(_BUYER, _OPERATOR),
    "POST /orders/{orderId}/resolve": _callers(_OPERATOR),
    "POST /orders/{orderId}/payment-status": _callers(_OPERATOR, scope=Scope.PAYMENTS_NOTIFY),
    "GET /stocks": _callers(_OPERATOR, scope=Scope.STOCKS_READ),
    "POST /reservations": _callers(_OPERATOR, scope=Scope.RESERVATIONS_WRITE),
    "GET /reservations/{reservationId}": _callers(_OPERATOR, scope=Scope.RESERVATIONS_READ),
    "POST /reservations/{reservationId}/confirm": _callers(_OPERATOR, scope=Scope.RESERVATIONS_WRITE),
    "POST /reservations/{reservationId}/release": _callers(_OPERATOR, scope=Scope.RESERVATIONS_WRITE),
    "POST /payments": _callers(_OPERATOR, scope=Scope.PAYMENTS_WRITE),
    "GET /payments/{paymentId}": _callers(_OPERATOR, scope=Scope.PAYMENTS_READ),
    "POST /payments/{paymentId}/notify": BY_CONTENT,
    "POST /payments/webhooks/{gateway}": BY_CONTENT,
    "POST /refunds": _callers(_OPERATOR, scope=Scope.REFUNDS_WRITE),
    "GET /refunds/{refundId}": _callers(_OPERATOR, scope=Scope.REFUNDS_READ),
    "POST /notifications/send": _callers(_OPERATOR, scope=Scope.NOTIFICATIONS_WRITE),
    "GET /notifications/{notificationId}": _callers(_OPERATOR, scope=Scope.NOTIFICATIONS_READ),
    "GET /.well-known/jwks.json": ANYONE,
    "GET /livez": ANYONE,
    "GET /readyz": ANYONE,
    "GET /metrics": ANYONE,
    "GET /problems/{slug}": ANYONE,
    "GET /docs": ANYONE,
    "GET /docs/{asset}": ANYONE,
    "GET /openapi.json": ANYONE,
}


def admission(operation: str) -> Admission:
    """The row of an operation. Raises LookupError: a route that nobody decided about must not be served."""
    try:
        return OPERATIONS[operation]
    except KeyError:
        raise LookupError(f"api/access/callers.py has no row for {operation!r}: say who may call it") from None


def methods_of(path: str) -> list[str]:
    """The methods that a path template knows, for `Allow`."""
    return sorted(method for method, _, known in (row.partition(" ") for row in OPERATIONS) if known == path)


def name_of(caller: Caller) -> str:
    """The caller that owns an idempotency key or a cursor: its kind, and the account if it has one."""
    return f"{caller.kind}:{caller.user_id or ''}"


def bearer(authorization: list[str]) -> str | None:
    """The token of the Authorization header, None without one. Raises Unauthenticated for any other form."""
    if not authorization:
        return None
    scheme, _, token = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer" or not token.isascii():
        raise Unauthenticated("A valid access token is needed: sign in.")
    return token.strip()
