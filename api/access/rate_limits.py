"""How often an operation may be called: one table, which every route enforces and a test walks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from api.requests.client_address import household_of, network_of
from services.identity.views import Caller
from services.rate_limiter import Limits, Rate


class By(Enum):
    """Whose requests are counted together."""

    #: an IPv4 address, or the /64 of IPv6: before anything else is looked at
    ADDRESS = "address"
    #: the /24 of IPv4, or the /64 of IPv6: who tries passwords has more than one address
    NETWORK = "network"
    #: the account, or all minted tokens of one kind: once it is known that they may call
    CALLER = "caller"


@dataclass(frozen=True)
class Limit:
    """A rate, and whom it counts."""

    rate: Rate
    by: By


@dataclass(frozen=True)
class Unlimited:
    """An operation that is not counted, and why."""

    reason: str


MINUTE, HOUR = 60, 3600

# Strict ones guard accounts and inboxes: while the database is away they admit nobody. Coarse ones guard this system.
_REGISTER = Limit(Rate("register", 20, HOUR), By.ADDRESS)
_LOGIN = Limit(Rate("login", 30, MINUTE), By.NETWORK)
_SEND = Limit(Rate("send", 20, HOUR), By.ADDRESS)
_PROVE = Limit(Rate("prove", 60, HOUR), By.ADDRESS)
_SESSION = Limit(Rate("session", 120, MINUTE, strict=False), By.ADDRESS)
_CATALOG = Limit(Rate("catalog", 120, MINUTE, strict=False), By.ADDRESS)
_PAGE = Limit(Rate("page", 600, MINUTE, strict=False), By.ADDRESS)
_NEWS = Limit(Rate("news", 1200, MINUTE, strict=False), By.ADDRESS)
_CALLER = Limit(Rate("caller", 600, MINUTE, strict=False), By.CALLER)
#: Operators' scripts and services hold tokens without an account, and are counted together by kind.
_MACHINES = Rate("machines", 6000, MINUTE, strict=False)

_PROBE = Unlimited("tells whether the database is away, and must not wait for it")

#: By operation, as in the table of callers.
RATES: Mapping[str, tuple[Limit, ...] | Unlimited] = {
    "POST /auth/register/email": (_REGISTER,),
    "POST /auth/register/phone": (_REGISTER,),
    "POST /auth/login/email": (_LOGIN,),
    "POST /auth/login/phone": (_LOGIN,),
    "POST /auth/refresh": (_SESSION,),
    "POST /auth/logout": (_SESSION,),
    "POST /auth/verify/email/send": (_SEND,),
    "POST /auth/verify/phone/send": (_SEND,),
    "POST /auth/verify/email/confirm": (_PROVE,),
    "POST /auth/verify/phone/confirm": (_PROVE,),
    "POST /auth/password/change": (_CALLER,),
    "POST /auth/password/reset/request": (_SEND,),
    "POST /auth/password/reset/confirm": (_PROVE,),
    "GET /users/me": (_CALLER,),
    "PATCH /users/me": (_CALLER,),
    "GET /users/me/sessions": (_CALLER,),
    "DELETE /users/me/sessions/{sessionId}": (_CALLER,),
    "PUT /users/me/email": (_SEND, _CALLER),
    "PUT /users/me/phone": (_SEND, _CALLER),
    "GET /products": (_CATALOG,),
    "GET /products/{productId}": (_CATALOG,),
    "GET /products/{productId}/price": (_CATALOG,),
    "GET /products/{productId}/stock": (_CATALOG,),
    "POST /products": (_CALLER,),
    "PATCH /products/{productId}": (_CALLER,),
    "PUT /products/{productId}/stock": (_CALLER,),
    "POST /orders": (_CALLER,),
    "GET /orders": (_CALLER,),
    "GET /orders/me": (_CALLER,),
    "GET /orders/{orderId}": (_CALLER,),
    "GET /orders/{orderId}/events": (_CALLER,),
    "POST /orders/{orderId}/reserve": (_CALLER,),
    "POST /orders/{orderId}/pay": (_CALLER,),
    "POST /orders/{orderId}/confirm": (_CALLER,),
    "POST /orders/{orderId}/cancel": (_CALLER,),
    "POST /orders/{orderId}/resolve": (_CALLER,),
    "POST /orders/{orderId}/payment-status": (_CALLER,),
    "GET /stocks": (_CALLER,),
    "POST /reservations": (_CALLER,),
    "GET /reservations/{reservationId}": (_CALLER,),
    "POST /reservations/{reservationId}/confirm": (_CALLER,),
    "POST /reservations/{reservationId}/release": (_CALLER,),
    "POST /payments": (_CALLER,),
    "GET /payments/{paymentId}": (_CALLER,),
    "POST /payments/{paymentId}/notify": (_NEWS,),
    "POST /payments/webhooks/{gateway}": (_NEWS,),
    "POST /refunds": (_CALLER,),
    "GET /refunds/{refundId}": (_CALLER,),
    "POST /notifications/send": (_CALLER,),
    "GET /notifications/{notificationId}": (_CALLER,),
    "GET /.well-known/jwks.json": (_PAGE,),
    "GET /livez": _PROBE,
    "GET /readyz": _PROBE,
    "GET /metrics": Unlimited("is looked at when the database is away, and not served to the public"),
    "GET /problems/{slug}": (_PAGE,),
    "GET /docs": (_PAGE,),
    "GET /docs/{asset}": (_PAGE,),
    "GET /openapi.json": (_PAGE,),
}


def limits_of(operation: str) -> tuple[Limit, ...]:
    """The row of an operation. Raises LookupError: a route that nobody decided about must not be served."""
    try:
        row = RATES[operation]
    except KeyError:
        raise LookupError(
            f"api/access/rate_limits.py has no row for {operation!r}: say how often it may be called"
        ) from None
    return () if isinstance(row, Unlimited) else row


class OperationLimits:
    """The table, enforced for one application; all of it grows with RATE_LIMIT_FACTOR."""

    def __init__(self, limits: Limits, factor: float) -> None:
        self._limits = limits
        rates = {limit.rate for row in RATES.values() if not isinstance(row, Unlimited) for limit in row}
        self._scaled = {rate: rate.scaled(factor) for rate in rates | {_MACHINES}}

    def admit_address(self, row: tuple[Limit, ...], address: str) -> None:
        """Count a request from this address. Raises RateLimited, Unavailable."""
        for limit in row:
            if limit.by is By.ADDRESS:
                self._limits.admit([self._scaled[limit.rate]], household_of(address))
            elif limit.by is By.NETWORK:
                self._limits.admit([self._scaled[limit.rate]], network_of(address))

    def admit_caller(self, row: tuple[Limit, ...], caller: Caller | None) -> None:
        """Count a request of this caller. Raises RateLimited, Unavailable."""
        for limit in row:
            if limit.by is By.CALLER and caller is not None:
                rate = limit.rate if caller.user_id else _MACHINES
                self._limits.admit([self._scaled[rate]], str(caller.user_id or caller.kind))
