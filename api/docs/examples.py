"""Objects of the examples in the OpenAPI document: an account, and an order of a product of the shipped catalog."""

from __future__ import annotations

from typing import Any

Example = dict[str, Any]


def _id(last: str) -> str:
    """An id as this api makes them, of the moment below."""
    return f"019c13ec-9e7b-7d53-9a51-{last}"


NOW = "2026-01-31T12:00:00.123456Z"
IN_20_MINUTES = "2026-01-31T12:20:00.123456Z"
IN_14_DAYS = "2026-02-14T12:00:00.123456Z"

BUYER, SESSION, PRODUCT = _id("5d4c3b2a1f0e"), _id("1122334455aa"), _id("0c1d2e3f4a5b")
ORDER, RESERVATION, PAYMENT = _id("2f6d3c1b7e10"), _id("aabbccddeeff"), _id("77aa88bb99cc")
NUMBER = "3C1B-7E10"
REFUND, NOTIFICATION, ADJUSTMENT = _id("88bb99ccddee"), _id("112233445566"), _id("99ccddeeff00")

PASSWORD = "four unrelated words together"  # noqa: S105 - an example
NEW_PASSWORD = "quite another set of words"  # noqa: S105 - an example
EMAIL, PHONE = "anna@example.com", "+79991234567"
NAMES: Example = {"firstName": "Анна", "lastName": "Иванова"}
PROFILE: Example = {
    "id": BUYER,
    **NAMES,
    "email": EMAIL,
    "phone": None,
    "emailVerified": False,
    "phoneVerified": False,
}
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - an example
TOKENS: Example = {
    "accessToken": "eyJhbGciOi.eyJpc3Mi.b3V0",
    "refreshToken": "Rk9PQkFSUkVGUkVTSA",
    "tokenType": "Bearer",
    "expiresIn": 600,
}

#: As `make up` imports it from sandbox/data.
SKU, NAME, PRICE, CURRENCY = "71053@3.39", "WHITE METAL LANTERN", "3.39", "GBP"
AVAILABLE = 10_000
LISTED_PRODUCT: Example = {
    "id": PRODUCT,
    "name": NAME,
    "stock": AVAILABLE,
    "price": PRICE,
    "currency": CURRENCY,
}
FULL_PRODUCT: Example = {**LISTED_PRODUCT, "description": "", "attributes": {}, "isActive": True}
STOCK: Example = {"productId": PRODUCT, "available": AVAILABLE}

ADDRESS: Example = {
    "country": "GB",
    "region": "Greater London",
    "city": "London",
    "street": "221B Baker Street",
    "postalCode": "NW1 6XE",
}
ITEMS: list[Example] = [{"productId": PRODUCT, "quantity": 2}]
LINES: list[Example] = [{"productId": PRODUCT, "name": NAME, "price": PRICE, "quantity": 2}]
TOTAL: Example = {"totalAmount": "6.78", "currency": CURRENCY}
AMOUNT: Example = {"amount": "6.78", "currency": CURRENCY}
PART: Example = {"amount": "3.39", "currency": CURRENCY}
SUMMARY: Example = {"id": ORDER, "number": NUMBER, "status": "confirmed", **TOTAL, "createdAt": NOW}
CARD = "tok_succeeds"
ENDPOINT: Example = {
    "endpointId": _id("0011aabb22cc"),
    "url": "https://erp.example.com/hooks/orders",
    "eventTypes": ["order.paid", "order.refunded"],
    "description": "accounting",
    "enabled": True,
    "disabledReason": None,
    "disabledAt": None,
    "failingSince": None,
    "previousSecretUntil": None,
    "waiting": 0,
    "failed": 0,
    "createdAt": NOW,
}
DELIVERY: Example = {
    "deliveryId": _id("3344ddee55ff"),
    "endpointId": ENDPOINT["endpointId"],
    "webhookId": "msg_5f3b1c9e2a7d5c0e8b6f4a3d2c1b0a99",
    "eventType": "order.paid",
    "orderId": ORDER,
    "status": "delivered",
    "attempts": 1,
    "lastResponseStatus": 204,
    "lastError": None,
    "nextAttemptAt": None,
    "createdAt": NOW,
}
