"""Examples of request bodies, by operation; each has a name."""

from __future__ import annotations

from collections.abc import Mapping

from api.docs.examples import (
    ADDRESS,
    AMOUNT,
    CARD,
    CURRENCY,
    EMAIL,
    ENDPOINT,
    ITEMS,
    NAME,
    NAMES,
    NEW_PASSWORD,
    NOW,
    ORDER,
    PART,
    PASSWORD,
    PAYMENT,
    PHONE,
    PRICE,
    PRODUCT,
    TOKENS,
    Example,
)

_REFRESH: Example = {"refreshToken": TOKENS["refreshToken"]}

BODIES: Mapping[str, Mapping[str, Example]] = {
    "POST /auth/register/email": {"by e-mail": {**NAMES, "email": EMAIL, "password": PASSWORD}},
    "POST /auth/register/phone": {"by phone": {**NAMES, "phone": "8 (999) 123-45-67", "password": PASSWORD}},
    "POST /auth/login/email": {
        "by e-mail": {"email": EMAIL, "password": PASSWORD},
        "with a second factor": {"email": EMAIL, "password": PASSWORD, "otp": "424242"},
    },
    "POST /auth/login/phone": {"by phone": {"phone": PHONE, "password": PASSWORD}},
    "POST /auth/refresh": {"refresh token": _REFRESH},
    "POST /auth/logout": {"refresh token": _REFRESH},
    "POST /auth/verify/email/send": {"e-mail address": {"email": EMAIL}},
    "POST /auth/verify/phone/send": {"phone number": {"phone": PHONE}},
    "POST /auth/verify/email/confirm": {"code": {"email": EMAIL, "code": "424242"}},
    "POST /auth/verify/phone/confirm": {"code": {"phone": PHONE, "code": "424242"}},
    "POST /auth/password/reset/request": {"by e-mail": {"email": EMAIL}, "by phone": {"phone": PHONE}},
    "POST /auth/password/reset/confirm": {
        "token from the message": {
            "resetToken": "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU",
            "newPassword": NEW_PASSWORD,
        }
    },
    "POST /auth/password/change": {"new password": {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}},
    "POST /users/me/otp": {"password": {"currentPassword": PASSWORD}},
    "POST /users/me/otp/confirm": {"code of the app": {"code": "424242"}},
    "POST /users/me/otp/remove": {"password and code": {"currentPassword": PASSWORD, "code": "424242"}},
    "DELETE /users/me": {
        "password": {"currentPassword": PASSWORD},
        "with a second factor": {"currentPassword": PASSWORD, "otp": "424242"},
    },
    "PATCH /users/me": {"new first name": {"firstName": "Мария"}},
    "PUT /users/me/email": {
        "new address": {"email": "maria@example.com", "currentPassword": PASSWORD},
        "no address": {"email": None, "currentPassword": PASSWORD},
    },
    "PUT /users/me/phone": {
        "new number": {"phone": "+79997654321", "currentPassword": PASSWORD},
        "no number": {"phone": None, "currentPassword": PASSWORD},
    },
    "POST /products": {
        "lantern": {"sku": "71053", "name": NAME, "price": PRICE, "currency": CURRENCY, "stock": 120},
    },
    "PATCH /products/{productId}": {"new price": {"price": "3.75", "currency": CURRENCY}},
    "PUT /products/{productId}/stock": {"120 units": {"available": 120}},
    "POST /products/{productId}/stock/adjustments": {
        "delivery": {"change": 40, "reason": "delivery 4711"},
        "breakage": {"change": -2, "reason": "damaged in transport"},
    },
    "POST /orders": {
        "one product, paid by card": {"productId": PRODUCT, **ADDRESS, "card": CARD},
        "several units, paid by phone": {"items": ITEMS, **ADDRESS, "phone": PHONE},
        "payment method given later": {"items": ITEMS, **ADDRESS},
    },
    "POST /orders/{orderId}/pay": {"by card": {"card": CARD}, "by phone": {"phone": PHONE}},
    "POST /orders/{orderId}/cancel": {"with a reason": {"reason": "Changed my mind"}},
    "POST /orders/{orderId}/resolve": {
        "retry": {"action": "retry"},
        "done by hand": {"action": "mark_done", "reference": "bank transfer 4711"},
    },
    "POST /orders/{orderId}/payment-status": {
        "failed": {"paymentId": PAYMENT, "status": "failed", "failureCode": "insufficient_funds"}
    },
    "POST /reservations": {"two lanterns": {"orderId": ORDER, "items": ITEMS}},
    "POST /payments": {
        "by card": {"orderId": ORDER, **AMOUNT, "method": "card", "cardToken": CARD},
        "by phone": {"orderId": ORDER, **AMOUNT, "method": "phone", "phone": PHONE},
    },
    "POST /payments/{paymentId}/notify": {"succeeded": {"paymentId": PAYMENT, "status": "succeeded", **AMOUNT}},
    "POST /refunds": {"in part": {"orderId": ORDER, "paymentId": PAYMENT, "amount": PART["amount"]}},
    "POST /webhook-endpoints": {
        "every event": {"url": ENDPOINT["url"]},
        "some events": {key: ENDPOINT[key] for key in ("url", "eventTypes", "description")},
    },
    "PATCH /webhook-endpoints/{endpointId}": {"disable": {"enabled": False}, "enable": {"enabled": True}},
    "POST /webhook-endpoints/{endpointId}/secret": {"both sign for two days": {"overlapHours": 48}},
    "POST /webhook-endpoints/{endpointId}/redeliver": {"since the outage began": {"since": NOW}},
    "POST /notifications/send": {
        "code": {"channel": "email", "to": EMAIL, "template": "verify_email", "variables": {"code": "424242"}}
    },
}
