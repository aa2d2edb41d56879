"""The operations of the API that the pages call, to name a call without the ids in its path."""

from __future__ import annotations

#: Path templates of the contract (docs/openapi.json), the literal ones before those that they match.
TEMPLATES = (
    "/auth/login/email",
    "/auth/login/phone",
    "/auth/logout",
    "/auth/password/change",
    "/auth/password/reset/confirm",
    "/auth/password/reset/request",
    "/auth/refresh",
    "/auth/register/email",
    "/auth/register/phone",
    "/auth/verify/email/confirm",
    "/auth/verify/email/send",
    "/auth/verify/phone/confirm",
    "/auth/verify/phone/send",
    "/notifications",
    "/operations/overview",
    "/orders",
    "/orders/me",
    "/orders/{orderId}",
    "/orders/{orderId}/cancel",
    "/orders/{orderId}/comparison",
    "/orders/{orderId}/events",
    "/orders/{orderId}/pay",
    "/orders/{orderId}/resolve",
    "/products",
    "/products/{productId}",
    "/refunds",
    "/users",
    "/users/me",
    "/users/me/email",
    "/users/me/export",
    "/users/me/otp",
    "/users/me/otp/confirm",
    "/users/me/otp/remove",
    "/users/me/phone",
    "/users/me/sessions",
    "/users/me/sessions/{sessionId}",
    "/webhook-deliveries",
    "/webhook-deliveries/{deliveryId}",
    "/webhook-deliveries/{deliveryId}/redeliver",
    "/webhook-endpoints",
    "/webhook-endpoints/{endpointId}",
    "/webhook-endpoints/{endpointId}/redeliver",
    "/webhook-endpoints/{endpointId}/secret",
)
_SPLIT = [(template, template.split("/")) for template in TEMPLATES]


def operation_of(method: str, path: str) -> str:
    """`GET /orders/{orderId}` for a call of the pages; `other` for a path that is not in the table."""
    parts = path.removeprefix("/api/v1").split("/")
    for template, known in _SPLIT:
        if len(known) == len(parts) and all(
            each == part or (each.startswith("{") and part) for each, part in zip(known, parts, strict=True)
        ):
            return f"{method} {template}"
    return "other"
