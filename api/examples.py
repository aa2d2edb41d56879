"""Examples for the OpenAPI document, by operation as in the table of callers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ORDER = "0190f3a4-6c1e-7d53-9a51-2f6d3c1b7e10"
_PRODUCT = "0190f3a4-6c1e-7d53-9a51-0c1d2e3f4a5b"
_BUYER = "0190f3a4-6c1e-7d53-9a51-5d4c3b2a1f0e"
_PAYMENT = "0190f3a4-6c1e-7d53-9a51-77aa88bb99cc"
_WHEN = "2026-01-31T12:00:00.123456Z"
_ADDRESS = {"country": "RU", "region": "Москва", "city": "Москва", "street": "Тверская, 1"}
_NAMES = {"firstName": "Анна", "lastName": "Иванова"}
_PASSWORD = "four unrelated words together"  # noqa: S105 - an example
_MONEY = {"totalAmount": "2598.00", "currency": "RUB"}
_LINES = [{"productId": _PRODUCT, "name": "Lantern", "price": "1299.00", "quantity": 2}]
_PROFILE = {
    "id": _BUYER,
    **_NAMES,
    "email": "anna@example.com",
    "phone": None,
    "emailVerified": False,
    "phoneVerified": False,
}
_TOKENS = {"accessToken": "eyJhbGciOi…", "refreshToken": "Rk9PQkFS…", "tokenType": "Bearer", "expiresIn": 600}
_SUMMARY = {"id": _ORDER, "status": "confirmed", **_MONEY, "createdAt": _WHEN}
_LISTED = {"id": _PRODUCT, "name": "Lantern", "stock": 12, "price": "1299.00", "currency": "RUB"}

#: Request bodies, by a name for each.
BODIES: Mapping[str, Mapping[str, Any]] = {
    "POST /auth/register/email": {"by e-mail": {**_NAMES, "email": "anna@example.com", "password": _PASSWORD}},
    "POST /auth/register/phone": {"by phone": {**_NAMES, "phone": "8 (999) 123-45-67", "password": _PASSWORD}},
    "POST /auth/login/email": {"by e-mail": {"email": "anna@example.com", "password": _PASSWORD}},
    "POST /auth/login/phone": {"by phone": {"phone": "+79991234567", "password": _PASSWORD}},
    "POST /orders": {
        "one product, paid by card": {"productId": _PRODUCT, **_ADDRESS, "card": "tok_succeeds"},
        "several, paid by phone": {
            "items": [{"productId": _PRODUCT, "quantity": 2}],
            **_ADDRESS,
            "phone": "+79991234567",
        },
        "paid later": {"productId": _PRODUCT, **_ADDRESS},
    },
    "POST /orders/{orderId}/pay": {"by card": {"card": "tok_succeeds"}, "by phone": {"phone": "+79991234567"}},
    "POST /orders/{orderId}/cancel": {"with a reason": {"reason": "Changed my mind"}},
    "POST /orders/{orderId}/resolve": {
        "try again": {"action": "retry"},
        "done by hand": {"action": "mark_done", "reference": "bank transfer 4711"},
    },
}

#: Answers of success.
ANSWERS: Mapping[str, Any] = {
    "POST /auth/register/email": _PROFILE,
    "POST /auth/register/phone": _PROFILE | {"email": None, "phone": "+79991234567"},
    "POST /auth/login/email": _TOKENS,
    "POST /auth/login/phone": _TOKENS,
    "GET /users/me": _PROFILE,
    "GET /products": {"items": [_LISTED], "nextCursor": None},
    "GET /products/{productId}": _LISTED | {"description": "", "attributes": {"colour": "red"}, "isActive": True},
    "GET /products/{productId}/price": {"productId": _PRODUCT, "price": "1299.00", "currency": "RUB"},
    "GET /products/{productId}/stock": {"productId": _PRODUCT, "available": 12},
    "POST /orders": {"orderId": _ORDER, "status": "created", **_MONEY, "items": _LINES, "createdAt": _WHEN},
    "GET /orders/me": {"items": [_SUMMARY], "nextCursor": None},
    "GET /orders": {"items": [_SUMMARY | {"buyerId": _BUYER, "needsAttention": False}], "nextCursor": None},
    "GET /orders/{orderId}": {
        **_SUMMARY,
        "items": _LINES,
        **_ADDRESS,
        "updatedAt": _WHEN,
        "payment": {"paymentId": _PAYMENT, "status": "succeeded", "method": "card", "confirmationUrl": None},
        "refund": None,
        "cancelReason": None,
        "needsAttention": False,
    },
    "GET /orders/{orderId}/events": {
        "items": [
            {
                "at": _WHEN,
                "type": "created",
                "status": "created",
                "detail": None,
                "attempt": None,
                "amount": _MONEY["totalAmount"],
            }
        ],
        "nextCursor": None,
    },
    "POST /orders/{orderId}/reserve": {
        "orderId": _ORDER,
        "status": "reserved",
        "reservationId": _PAYMENT,
        "expiresAt": _WHEN,
    },
    "POST /orders/{orderId}/pay": {"paymentId": _PAYMENT, "status": "succeeded", "confirmationUrl": None},
    "POST /orders/{orderId}/confirm": {"orderId": _ORDER, "status": "confirmed"},
    "POST /orders/{orderId}/cancel": {"orderId": _ORDER, "status": "cancelling"},
    "POST /orders/{orderId}/resolve": {"orderId": _ORDER, "step": "refund_payment", "action": "retry"},
    "POST /payments/webhooks/{gateway}": {"status": "accepted"},
}
