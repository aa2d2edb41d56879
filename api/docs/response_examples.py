"""Examples of successful responses, by operation."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from api.docs.examples import (
    ADDRESS,
    ADJUSTMENT,
    AMOUNT,
    BUYER,
    CURRENCY,
    DELIVERY,
    ENDPOINT,
    FULL_PRODUCT,
    IN_14_DAYS,
    IN_20_MINUTES,
    LINES,
    LISTED_PRODUCT,
    NOTIFICATION,
    NOW,
    NUMBER,
    ORDER,
    PART,
    PAYMENT,
    PHONE,
    PRICE,
    PRODUCT,
    PROFILE,
    REFUND,
    RESERVATION,
    SECRET,
    SESSION,
    STOCK,
    SUMMARY,
    TOKENS,
    TOTAL,
    Example,
)

_WEBHOOK_SECRET = "whsec_" + b64encode(b"for example only, not a real one").decode()
_WEBHOOK_BODY = (
    f'{{"type":"order.paid","timestamp":"{NOW}","data":{{"orderId":"{ORDER}","number":"{NUMBER}","status":"paid",'
    f'"totalAmount":"{TOTAL["totalAmount"]}","currency":"{TOTAL["currency"]}"}}}}'
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
_NOTIFICATION_DETAILS: Example = {
    **_NOTIFICATION,
    "channel": "email",
    "to": "a***@e***",
    "template": "order_paid",
    "createdAt": NOW,
    "errorMessage": None,
}
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
    "GET /users": PROFILE | {"isActive": True, "createdAt": NOW},
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
    "GET /users/me/otp": {"required": True, "enabled": True, "recoveryCodesLeft": 10},
    "POST /users/me/otp": {
        "secret": SECRET,
        "uri": f"otpauth://totp/Marketplace%20Orders:anna%40example.com?secret={SECRET}&issuer=Marketplace%20Orders",
    },
    "POST /users/me/otp/confirm": {"recoveryCodes": ["MFRG-GZDF-MZTW-Q2LK-NNWG-23TP"] * 10},
    "GET /users/me/export": {
        "account": {
            **PROFILE,
            "registeredWith": "email",
            "language": "ru",
            "role": "buyer",
            "isActive": True,
            "createdAt": NOW,
            "updatedAt": NOW,
            "passwordChangedAt": NOW,
            "hasSecondFactor": False,
        },
        "sessions": [],
        "orders": [],
        "messages": [],
    },
    "GET /users/me/sessions": _page(_SESSION),
    "GET /.well-known/jwks.json": {"keys": [_SIGNING_KEY]},
    "GET /products": _page(LISTED_PRODUCT),
    "GET /products/{productId}": FULL_PRODUCT,
    "GET /products/{productId}/price": {"productId": PRODUCT, "price": PRICE, "currency": CURRENCY},
    "GET /products/{productId}/stock": STOCK,
    "POST /products": FULL_PRODUCT | {"stock": 120},
    "PATCH /products/{productId}": FULL_PRODUCT | {"price": "3.75"},
    "PUT /products/{productId}/stock": STOCK | {"available": 120},
    "POST /products/{productId}/stock/adjustments": STOCK
    | {"adjustmentId": ADJUSTMENT, "change": 40, "reason": "delivery 4711", "available": 160},
    "POST /orders": {
        "orderId": ORDER,
        "number": NUMBER,
        "status": "created",
        **TOTAL,
        "items": LINES,
        "createdAt": NOW,
    },
    "GET /orders/me": _page(SUMMARY),
    "GET /orders": _page(SUMMARY | {"buyerId": BUYER, "needsAttention": False}),
    "GET /orders/{orderId}": {
        **SUMMARY,
        "items": LINES,
        **ADDRESS,
        "updatedAt": NOW,
        "payment": {**_PAYMENT, "method": "card", "confirmationUrl": None},
        "payments": [{**_PAYMENT, "method": "card", "confirmationUrl": None}],
        "refund": None,
        "refunds": [],
        "refundedAmount": "0.00",
        "payBefore": None,
        "cancelReason": None,
    },
    "GET /orders/{orderId}/events": _page(_EVENT),
    "GET /orders/{orderId}/comparison": {
        "orderId": ORDER,
        "status": "confirmed",
        **TOTAL,
        "payments": [
            {
                **_PAYMENT,
                "attempt": 1,
                "captured": TOTAL["totalAmount"],
                "refunded": "0.00",
                "capturedLate": False,
                "failureCode": None,
                "provider": {
                    "providerId": "2d9f1c6a-000f-5000-8000-1b2c3d4e5f60",
                    "status": "succeeded",
                    "captured": TOTAL["totalAmount"],
                    "refunded": "0.00",
                },
            }
        ],
        "providerAnswered": True,
        "providerAgrees": True,
        "reservation": {"reservationId": RESERVATION, "status": "confirmed", "units": 2},
        "goodsAgree": True,
    },
    "POST /orders/{orderId}/events/ticket": {
        "ticket": "dGlja2V0IGZvciBleGFtcGxlIG9ubHksIG5vdCByZWFs",
        "expiresIn": 60,
    },
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
    "GET /notifications": _page(_NOTIFICATION_DETAILS),
    "GET /notifications/{notificationId}": _NOTIFICATION_DETAILS,
    "POST /webhook-endpoints": ENDPOINT | {"secret": _WEBHOOK_SECRET},
    "GET /webhook-endpoints": _page(ENDPOINT),
    "GET /webhook-endpoints/{endpointId}": ENDPOINT,
    "PATCH /webhook-endpoints/{endpointId}": ENDPOINT,
    "POST /webhook-endpoints/{endpointId}/secret": ENDPOINT
    | {"secret": _WEBHOOK_SECRET, "previousSecretUntil": IN_14_DAYS},
    "POST /webhook-endpoints/{endpointId}/redeliver": {"redelivered": 17},
    "GET /webhook-deliveries": _page(DELIVERY),
    "GET /webhook-deliveries/{deliveryId}": DELIVERY
    | {
        "body": _WEBHOOK_BODY,
        "log": [{"number": 1, "at": NOW, "responseStatus": 204, "durationMs": 38, "error": None}],
    },
    "POST /webhook-deliveries/{deliveryId}/redeliver": DELIVERY | {"status": "waiting", "nextAttemptAt": NOW},
    "GET /operations/overview": {
        "orders": {"needsAttention": 1, "awaitingPayment": 4, "slowCancellations": 0},
        "attention": [
            {
                "orderId": ORDER,
                "number": NUMBER,
                "attention": [
                    {
                        "reason": "refund_payment",
                        "since": NOW,
                        "detail": "insufficient_funds",
                        "nextTry": NOW,
                        "actions": ["retry", "mark_done", "write_off"],
                        "advice": "It is repeated by itself. When the cause is corrected, retry it at once.",
                    }
                ],
            }
        ],
        "messagesWaiting": 2,
        "queues": [{"name": "commands", "waiting": 1, "oldestSeconds": 0}],
        "externalSystems": [{"name": "email", "unanswered": 0, "oldestSeconds": 0}],
        "webhooks": {"disabledEndpoints": 0, "failingEndpoints": 1, "waiting": 3, "overdueSeconds": 0},
        "invariants": [{"invariant": "I1", "violations": 0, "checkedAt": NOW}],
        "workers": ["40@worker-1"],
    },
}
