"""The messages: what happened to which order, with amounts and nothing about a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid5

from services.order_number import order_number
from services.webhooks.status import WebhookEventType
from services.webhooks.views import OrderEventFacts


def message_id(event: OrderEventFacts) -> str:
    """The id of the message: the same whenever it is made again, also after the database was restored."""
    return f"msg_{uuid5(event.order_id, event.key).hex}"


def message_body(event: OrderEventFacts) -> str:
    """The body: compact JSON, with the members that the specification names."""
    data = {
        "orderId": str(event.order_id),
        "number": order_number(str(event.order_id)),
        "status": event.status,
        "totalAmount": event.total.text,
        "currency": event.total.currency,
    }
    if event.cancel_reason is not None and event.type == "cancelled":
        data["cancelReason"] = event.cancel_reason
    if event.amount is not None and event.type == "refunded":
        data["refundedAmount"] = event.amount.text
    message = {"type": WebhookEventType.of(event.type), "timestamp": _moment(event.at), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
