"""Types of events, and states of deliveries and endpoints."""

from __future__ import annotations

from enum import StrEnum


class WebhookEventType(StrEnum):
    """What an endpoint can be notified of."""

    PLACED = "order.placed"
    PAID = "order.paid"
    CONFIRMED = "order.confirmed"
    CANCELLED = "order.cancelled"
    REFUNDED = "order.refunded"

    @classmethod
    def of(cls, event: str) -> WebhookEventType:
        """The type of an entry of an order's timeline, such as `created`. Raises ValueError."""
        return cls(f"order.{'placed' if event == 'created' else event}")


class DeliveryStatus(StrEnum):
    """The state of one message to one endpoint."""

    #: it is sent when it is due
    WAITING = "waiting"
    DELIVERED = "delivered"
    #: every attempt has failed
    FAILED = "failed"
    #: the endpoint was disabled, so it was not sent, or not any more
    SKIPPED = "skipped"


class DisabledReason(StrEnum):
    """Why an endpoint gets no messages."""

    OPERATOR = "operator"
    #: it answered 410
    GONE = "gone"
    #: no attempt has succeeded for three days
    FAILING = "failing"
