"""Which problems each operation may answer with, besides those that follow from its caller, parameters and body."""

from __future__ import annotations

from collections.abc import Mapping

_STEP = ("not-found", "invalid-transition")

#: By operation, as in the table of callers.
PARTICULAR: Mapping[str, tuple[str, ...]] = {
    "POST /auth/register/email": ("already-registered", "password-too-weak"),
    "POST /auth/register/phone": ("already-registered", "password-too-weak"),
    "POST /auth/login/email": ("invalid-credentials",),
    "POST /auth/login/phone": ("invalid-credentials",),
    "GET /users/me": ("not-found",),
    "GET /products/{productId}": ("not-found",),
    "GET /products/{productId}/price": ("not-found",),
    "GET /products/{productId}/stock": ("not-found",),
    "POST /orders": (
        "identifier-not-verified",
        "out-of-stock",
        "product-unavailable",
        "currency-mismatch",
        "card-number-not-accepted",
        "too-many-open-orders",
        "idempotency-key-reused",
        "idempotency-in-progress",
    ),
    "GET /orders/{orderId}": ("not-found",),
    "GET /orders/{orderId}/events": ("not-found",),
    "POST /orders/{orderId}/reserve": (*_STEP, "reservation-expired"),
    "POST /orders/{orderId}/pay": (*_STEP, "reservation-expired", "payment-exists", "card-number-not-accepted"),
    "POST /orders/{orderId}/confirm": _STEP,
    "POST /orders/{orderId}/cancel": _STEP,
    "POST /orders/{orderId}/resolve": _STEP,
    "POST /payments/webhooks/{gateway}": ("not-found", "invalid-signature"),
}
