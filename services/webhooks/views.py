"""What the service of outgoing webhooks takes and returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.money import Money
from services.webhooks.status import DeliveryStatus, DisabledReason, WebhookEventType


@dataclass(frozen=True)
class OrderEventFacts:
    """An event of an order, as far as other systems learn of it: nothing about a person."""

    order_id: UUID
    #: what makes the event one of its order: `paid`, `refunded:<refundId>` …
    key: str
    #: as on the timeline: created, paid, confirmed, cancelled, refunded
    type: str
    at: datetime
    #: of the order, after the event
    status: str
    total: Money
    #: a refund's own amount, else None
    amount: Money | None = None
    cancel_reason: str | None = None


@dataclass(frozen=True)
class EndpointView:
    """An endpoint, without its secrets."""

    id: UUID
    url: str
    description: str
    event_types: Sequence[WebhookEventType]
    created_at: datetime
    #: None: it is enabled
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    #: since when no attempt has succeeded; None: the last one has, or there was none
    failing_since: datetime | None
    #: until when messages are signed with the secret before, too
    previous_secret_until: datetime | None
    waiting: int = 0
    failed: int = 0


@dataclass(frozen=True)
class EndpointSecret:
    """An endpoint with a secret that is shown this once; None for a repeated request."""

    endpoint: EndpointView
    secret: str | None = field(repr=False)


@dataclass(frozen=True)
class AttemptView:
    """One attempt to deliver a message."""

    number: int
    at: datetime
    #: HTTP status of the answer; None: there was none
    status: int | None
    #: milliseconds
    duration: int
    error: str | None


@dataclass(frozen=True)
class DeliveryView:
    """One message to one endpoint."""

    id: UUID
    endpoint_id: UUID
    #: the header `webhook-id`, the same for every attempt and every endpoint
    message_id: str
    event_type: WebhookEventType
    order_id: UUID
    status: DeliveryStatus
    attempts: int
    created_at: datetime
    #: when it is sent next; None unless it waits
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    body: str = field(default="", repr=False)


@dataclass(frozen=True)
class DeliveryFilter:
    """Which deliveries are listed; None: any."""

    endpoint_id: UUID | None = None
    status: DeliveryStatus | None = None
    order_id: UUID | None = None


@dataclass(frozen=True)
class ClaimedDelivery:
    """A delivery that one dispatcher holds until its lease ends."""

    id: UUID
    endpoint_id: UUID
    message_id: str
    url: str
    body: str = field(repr=False)
    #: sealed
    secret: bytes = field(repr=False)
    previous_secret: bytes | None = field(repr=False)
    #: failed attempts of this series
    tries: int
    #: failed attempts of the endpoint since its last success, which let it pause
    failures: int
    failing_seconds: float
    #: the end of the lease; it also proves that the lease is still held
    lease: datetime
