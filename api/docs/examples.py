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
_PAID = {"amount": "2598.00", "currency": "RUB"}
_REFUND = "0190f3a4-6c1e-7d53-9a51-88bb99ccddee"
_LINES = [{"productId": _PRODUCT, "name": "Lantern", "price": "1299.00", "quantity": 2}]
_PROFILE = {
    "id": _BUYER,
    **_NAMES,
    "email": "anna@example.com",
    "phone": None,
    "emailVerified": False,
    "phoneVerified": False,
}
_TOKENS = {
    "accessToken": "eyJhbGciOi.eyJpc3Mi.b3V0",
    "refreshToken": "Rk9PQkFSUkVGUkVTSA",
    "tokenType": "Bearer",
    "expiresIn": 600,
}
_HELD = {"refreshToken": _TOKENS["refreshToken"]}
_SESSION = {
    "id": "0190f3a4-6c1e-7d53-9a51-1122334455aa",
    "client": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "createdAt": _WHEN,
    "lastUsedAt": _WHEN,
    "expiresAt": "2026-02-14T12:00:00.123456Z",
    "current": True,
}
_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "use": "sig",
    "alg": "EdDSA",
    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
_ACCEPTED = {"status": "accepted"}
_SUMMARY = {"id": _ORDER, "status": "confirmed", **_MONEY, "createdAt": _WHEN}
_LISTED = {"id": _PRODUCT, "name": "Lantern", "stock": 12, "price": "1299.00", "currency": "RUB"}

_WHOLE = _LISTED | {"description": "", "attributes": {"colour": "red"}, "isActive": True}
_HELD_GOODS = {"reservationId": "0190f3a4-6c1e-7d53-9a51-aabbccddeeff", "status": "reserved"}
_MESSAGE = {"notificationId": "0190f3a4-6c1e-7d53-9a51-112233445566", "status": "queued"}

#: Request bodies, by a name for each.
BODIES: Mapping[str, Mapping[str, Any]] = {
    "POST /auth/register/email": {"by e-mail": {**_NAMES, "email": "anna@example.com", "password": _PASSWORD}},
    "POST /auth/register/phone": {"by phone": {**_NAMES, "phone": "8 (999) 123-45-67", "password": _PASSWORD}},
    "POST /auth/login/email": {"by e-mail": {"email": "anna@example.com", "password": _PASSWORD}},
    "POST /auth/login/phone": {"by phone": {"phone": "+79991234567", "password": _PASSWORD}},
    "POST /auth/refresh": {"the token of a session": _HELD},
    "POST /auth/logout": {"the token of a session": _HELD},
    "POST /auth/verify/email/send": {"an address": {"email": "anna@example.com"}},
    "POST /auth/verify/phone/send": {"a number": {"phone": "+79991234567"}},
    "POST /auth/verify/email/confirm": {"a code": {"email": "anna@example.com", "code": "424242"}},
    "POST /auth/verify/phone/confirm": {"a code": {"phone": "+79991234567", "code": "424242"}},
    "POST /auth/password/reset/request": {
        "by e-mail": {"email": "anna@example.com"},
        "by phone": {"phone": "+79991234567"},
    },
    "POST /auth/password/reset/confirm": {
        "the token that was sent": {
            "resetToken": "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU",
            "newPassword": "quite another set of words",
        }
    },
    "PATCH /users/me": {"another name": {"firstName": "Мария"}},
    "PUT /users/me/email": {"another address": {"email": "maria@example.com", "currentPassword": _PASSWORD}},
    "PUT /users/me/phone": {"another number": {"phone": "+79997654321", "currentPassword": _PASSWORD}},
    "POST /auth/password/change": {
        "another one": {"currentPassword": _PASSWORD, "newPassword": "quite another set of words"}
    },
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
    "POST /orders/{orderId}/payment-status": {
        "it failed": {"paymentId": _PAYMENT, "status": "failed", "failureCode": "insufficient_funds"}
    },
    "POST /products": {
        "a lantern": {
            "sku": "L-1",
            "name": "Lantern",
            "price": "1299.00",
            "currency": "RUB",
            "attributes": {"colour": "red"},
            "stock": 12,
        }
    },
    "PATCH /products/{productId}": {"another price": {"price": "1499.00", "currency": "RUB"}},
    "PUT /products/{productId}/stock": {"a delivery came": {"available": 120}},
    "POST /reservations": {"two lanterns": {"orderId": _ORDER, "items": [{"productId": _PRODUCT, "quantity": 2}]}},
    "POST /notifications/send": {
        "a code": {
            "channel": "email",
            "to": "anna@example.com",
            "template": "verify_email",
            "variables": {"code": "424242"},
        }
    },
    "POST /payments": {
        "by card": {"orderId": _ORDER, **_PAID, "method": "card", "cardToken": "tok_succeeds"},
        "by phone": {"orderId": _ORDER, **_PAID, "method": "phone", "phone": "+79991234567"},
    },
    "POST /payments/{paymentId}/notify": {"it succeeded": {"paymentId": _PAYMENT, "status": "succeeded", **_PAID}},
    "POST /refunds": {"a part": {"orderId": _ORDER, "paymentId": _PAYMENT, "amount": "100.00"}},
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
    "POST /auth/refresh": _TOKENS,
    "GET /users/me/sessions": {"items": [_SESSION], "nextCursor": None},
    "GET /.well-known/jwks.json": {"keys": [_KEY]},
    "POST /auth/verify/email/send": _ACCEPTED,
    "POST /auth/verify/phone/send": _ACCEPTED,
    "POST /auth/verify/email/confirm": {"emailVerified": True},
    "POST /auth/verify/phone/confirm": {"phoneVerified": True},
    "POST /auth/password/reset/request": _ACCEPTED,
    "GET /users/me": _PROFILE,
    "PATCH /users/me": _PROFILE | {"firstName": "Мария"},
    "PUT /users/me/email": _ACCEPTED,
    "PUT /users/me/phone": _ACCEPTED,
    "POST /products": _WHOLE,
    "PATCH /products/{productId}": _WHOLE | {"price": "1499.00"},
    "PUT /products/{productId}/stock": {"productId": _PRODUCT, "available": 120},
    "GET /stocks": {"items": [{"productId": _PRODUCT, "available": 12}], "nextCursor": None},
    "POST /reservations": _HELD_GOODS,
    "GET /reservations/{reservationId}": _HELD_GOODS
    | {
        "orderId": _ORDER,
        "items": [{"productId": _PRODUCT, "reservedQuantity": 2}],
        "createdAt": _WHEN,
        "expiresAt": "2026-01-31T12:20:00.123456Z",
    },
    "POST /reservations/{reservationId}/confirm": _HELD_GOODS | {"status": "confirmed"},
    "POST /reservations/{reservationId}/release": _HELD_GOODS | {"status": "released"},
    "POST /notifications/send": _MESSAGE,
    "GET /notifications/{notificationId}": _MESSAGE
    | {
        "channel": "email",
        "to": "a***@e***",
        "template": "verify_email",
        "createdAt": _WHEN,
        "errorMessage": None,
    },
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
    "POST /payments/{paymentId}/notify": {"status": "accepted"},
    "POST /orders/{orderId}/payment-status": {"orderId": _ORDER, "paymentId": _PAYMENT, "status": "pending"},
    "POST /payments": {"paymentId": _PAYMENT, "status": "succeeded"},
    "GET /payments/{paymentId}": {
        "paymentId": _PAYMENT,
        "orderId": _ORDER,
        "status": "succeeded",
        **_PAID,
        "method": "card",
    },
    "POST /refunds": {"refundId": _REFUND, "status": "succeeded"},
    "GET /refunds/{refundId}": {
        "refundId": _REFUND,
        "paymentId": _PAYMENT,
        "orderId": _ORDER,
        "status": "succeeded",
        "amount": "100.00",
        "currency": "RUB",
    },
}
