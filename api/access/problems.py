"""Which problems each operation may answer with, besides those that follow from its caller, parameters and body."""

from __future__ import annotations

from collections.abc import Mapping

_STEP = ("not-found", "invalid-transition")
_KEY = ("idempotency-key-reused", "idempotency-in-progress")

#: Where a problem has another status than its own: a caller who is known already is not asked to sign in again.
STATUSES: Mapping[tuple[str, str], int] = {
    ("POST /auth/password/change", "invalid-credentials"): 403,
    ("PUT /users/me/email", "invalid-credentials"): 403,
    ("PUT /users/me/phone", "invalid-credentials"): 403,
    ("POST /auth/password/reset/confirm", "invalid-token"): 422,
}

#: By operation, as in the table of callers.
PARTICULAR: Mapping[str, tuple[str, ...]] = {
    "POST /auth/register/email": ("already-registered", "password-too-weak"),
    "POST /auth/register/phone": ("already-registered", "password-too-weak"),
    "POST /auth/login/email": ("invalid-credentials",),
    "POST /auth/login/phone": ("invalid-credentials",),
    "POST /auth/refresh": ("invalid-token",),
    "POST /auth/verify/email/confirm": ("invalid-code",),
    "POST /auth/verify/phone/confirm": ("invalid-code",),
    "POST /auth/password/change": ("invalid-credentials", "password-too-weak"),
    "POST /auth/password/reset/confirm": ("invalid-token", "password-too-weak"),
    "GET /users/me": ("not-found",),
    "PATCH /users/me": ("not-found", "immutable-field"),
    "GET /users/me/sessions": ("not-found",),
    "DELETE /users/me/sessions/{sessionId}": ("not-found",),
    "PUT /users/me/email": ("invalid-credentials",),
    "PUT /users/me/phone": ("invalid-credentials",),
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
        *_KEY,
    ),
    "GET /orders/{orderId}": ("not-found",),
    "GET /orders/{orderId}/events": ("not-found",),
    "POST /orders/{orderId}/reserve": (*_STEP, "reservation-expired", *_KEY),
    "POST /orders/{orderId}/pay": (
        *_STEP,
        "reservation-expired",
        "payment-exists",
        "card-number-not-accepted",
        *_KEY,
    ),
    "POST /orders/{orderId}/confirm": (*_STEP, *_KEY),
    "POST /orders/{orderId}/cancel": (*_STEP, *_KEY),
    "POST /orders/{orderId}/resolve": _STEP,
    "POST /orders/{orderId}/payment-status": ("not-found", "payment-order-mismatch", *_KEY),
    "POST /products": _KEY,
    "PATCH /products/{productId}": ("not-found",),
    "PUT /products/{productId}/stock": ("not-found", "invalid-transition"),
    "POST /reservations": ("out-of-stock", "reservation-exists", "reservation-closed", *_KEY),
    "GET /reservations/{reservationId}": ("not-found",),
    "POST /reservations/{reservationId}/confirm": (*_STEP, *_KEY),
    "POST /reservations/{reservationId}/release": (*_STEP, *_KEY),
    "POST /payments": (
        *_STEP,
        "payment-exists",
        "amount-mismatch",
        "currency-mismatch",
        "card-number-not-accepted",
        "reservation-expired",
        *_KEY,
    ),
    "GET /payments/{paymentId}": ("not-found",),
    "POST /payments/{paymentId}/notify": ("not-found", "invalid-signature", "payment-order-mismatch"),
    "POST /refunds": (*_STEP, "payment-order-mismatch", "currency-mismatch", "refund-exceeds-captured", *_KEY),
    "GET /refunds/{refundId}": ("not-found",),
    "POST /notifications/send": _KEY,
    "GET /notifications/{notificationId}": ("not-found",),
    "POST /payments/webhooks/{gateway}": ("not-found", "invalid-signature"),
}
