"""Examples of successful responses, by operation."""

from __future__ import annotations

from collections.abc import Mapping

from api.docs.examples import (
    ADDRESS,
    AMOUNT,
    BUYER,
    CURRENCY,
    FULL_PRODUCT,
    IN_14_DAYS,
    IN_20_MINUTES,
    LINES,
    LISTED_PRODUCT,
    NOTIFICATION,
    NOW,
    ORDER,
    PART,
    PAYMENT,
    PHONE,
    PRICE,
    PRODUCT,
    PROFILE,
    REFUND,
    RESERVATION,
    SESSION,
    STOCK,
    SUMMARY,
    TOKENS,
    TOTAL,
    Example,
)

_ACCEPTED: Example = {"status": "accepted"}
_SESSION: Example = {
    "id": SESSION,
    "client": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "createdAt": NOW,
    "lastUsedAt": NOW,
    "expiresAt": IN_14_DAYS,
    "current": True,
}
_SIGNING_KEY: Example = {
    "kty": "OKP",
    "crv": "Ed25519",
    "use": "sig",
    "alg": "EdDSA",
    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
_RESERVATION: Example = {"reservationId": RESERVATION, "status": "reserved"}
_NOTIFICATION: Example = {"notificationId": NOTIFICATION, "status": "queued"}
_PAYMENT: Example = {"paymentId": PAYMENT, "status": "succeeded"}
_REFUND: Example = {"refundId": REFUND, "status": "succeeded"}
_EVENT: Example = {
    "at": NOW,
    "type": "created",
    "status": "created",
    "detail": None,
    "attempt": None,
    "amount": TOTAL["totalAmount"],
}


def _page(*items: Example) -> Example:
    return {"items": list(items), "nextCursor": None}


ANSWERS: Mapping[str, Example] = {
    "POST /auth/register/email": PROFILE,
    "POST /auth/register/phone": PROFILE | {"email": None, "phone": PHONE},
    "POST /auth/login/email": TOKENS,
    "POST /auth/login/phone": TOKENS,
    "POST /auth/refresh": TOKENS,
    "POST /auth/verify/email/send": _ACCEPTED,
    "POST /auth/verify/phone/send": _ACCEPTED,
    "POST /auth/verify/email/confirm": {"emailVerified": True},
    "POST /auth/verify/phone/confirm": {"phoneVerified": True},
    "POST /auth/password/reset/request": _ACCEPTED,
    "GET /users/me": PROFILE,
    "PATCH /users/me": PROFILE | {"firstName": "Мария"},
    "PUT /users/me/email": _ACCEPTED,
    "PUT /users/me/phone": _ACCEPTED,
    "GET /users/me/sessions": _page(_SESSION),
    "GET /.well-known/jwks.json": {"keys": [_SIGNING_KEY]},
    "GET /products": _page(LISTED_PRODUCT),
    "GET /products/{productId}": FULL_PRODUCT,
    "GET /products/{productId}/price": {"productId": PRODUCT, "price": PRICE, "currency": CURRENCY},
    "GET /products/{productId}/stock": STOCK,
    "POST /products": FULL_PRODUCT | {"stock": 120},
    "PATCH /products/{productId}": FULL_PRODUCT | {"price": "3.75"},
    "PUT /products/{productId}/stock": STOCK | {"available": 120},
    "POST /orders": {"orderId": ORDER, "status": "created", **TOTAL, "items": LINES, "createdAt": NOW},
    "GET /orders/me": _page(SUMMARY),
    "GET /orders": _page(SUMMARY | {"buyerId": BUYER, "needsAttention": False}),
    "GET /orders/{orderId}": {
        **SUMMARY,
        "items": LINES,
        **ADDRESS,
        "updatedAt": NOW,
        "payment": {**_PAYMENT, "method": "card", "confirmationUrl": None},
        "refund": None,
        "cancelReason": None,
        "needsAttention": False,
    },
    "GET /orders/{orderId}/events": _page(_EVENT),
    "POST /orders/{orderId}/reserve": {"orderId": ORDER, **_RESERVATION, "expiresAt": IN_20_MINUTES},
    "POST /orders/{orderId}/pay": {**_PAYMENT, "confirmationUrl": None},
    "POST /orders/{orderId}/confirm": {"orderId": ORDER, "status": "confirmed"},
    "POST /orders/{orderId}/cancel": {"orderId": ORDER, "status": "cancelling"},
    "POST /orders/{orderId}/resolve": {"orderId": ORDER, "step": "refund_payment", "action": "retry"},
    "POST /orders/{orderId}/payment-status": {"orderId": ORDER, "paymentId": PAYMENT, "status": "pending"},
    "GET /stocks": _page(STOCK),
    "POST /reservations": _RESERVATION,
    "GET /reservations/{reservationId}": {
        **_RESERVATION,
        "orderId": ORDER,
        "items": [{"productId": PRODUCT, "reservedQuantity": 2}],
        "createdAt": NOW,
        "expiresAt": IN_20_MINUTES,
    },
    "POST /reservations/{reservationId}/confirm": _RESERVATION | {"status": "confirmed"},
    "POST /reservations/{reservationId}/release": _RESERVATION | {"status": "released"},
    "POST /payments": _PAYMENT,
    "GET /payments/{paymentId}": {**_PAYMENT, "orderId": ORDER, **AMOUNT, "method": "card"},
    "POST /payments/{paymentId}/notify": _ACCEPTED,
    "POST /payments/webhooks/{gateway}": _ACCEPTED,
    "POST /refunds": _REFUND,
    "GET /refunds/{refundId}": {**_REFUND, "paymentId": PAYMENT, "orderId": ORDER, **PART},
    "POST /notifications/send": _NOTIFICATION,
    "GET /notifications/{notificationId}": {
        **_NOTIFICATION,
        "channel": "email",
        "to": "a***@e***",
        "template": "verify_email",
        "createdAt": NOW,
        "errorMessage": None,
    },
}
