"""Schemas of the operations of outgoing webhooks."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt, StrictStr

from api.requests.fields import Body, Moment, Shape, TextOrEmpty, Utc
from services.webhooks.endpoints import MAX_OVERLAP_HOURS
from services.webhooks.status import DeliveryStatus, DisabledReason, WebhookEventType
from services.webhooks.views import AttemptView, DeliveryView, EndpointView

EndpointUrl = Annotated[
    StrictStr,
    Field(
        min_length=8,
        max_length=1024,
        description="An https URL whose host has public addresses only. No user, no password, no fragment.",
    ),
]
EventTypes = Annotated[
    list[Annotated[WebhookEventType, Field(strict=False)]],
    Field(min_length=1, max_length=20, description="What the endpoint is sent."),
]


class CreateWebhookEndpoint(Body):
    """A new endpoint, which is enabled."""

    url: EndpointUrl
    event_types: EventTypes = Field(default_factory=lambda: list(WebhookEventType))
    description: TextOrEmpty = ""


class ChangeWebhookEndpoint(Body):
    """The fields to change. Fields that are left out stay as they are."""

    url: EndpointUrl = Field(default=None)  # type: ignore[assignment]  # left out, never null
    event_types: EventTypes = Field(default=None)  # type: ignore[arg-type]  # left out, never null
    description: TextOrEmpty = Field(default=None)  # type: ignore[assignment]  # left out, never null
    enabled: StrictBool = Field(default=None)  # type: ignore[assignment]  # left out, never null


class RotateWebhookSecret(Body):
    """How long the present secret signs as well."""

    overlap_hours: Annotated[StrictInt, Field(ge=0, le=MAX_OVERLAP_HOURS)] = 24


class RedeliverWebhooks(Body):
    """Which messages are sent again: those of events since a time."""

    since: Moment


class WebhookEndpoint(Shape):
    """Where another system receives messages; without its secret."""

    endpoint_id: UUID
    url: str
    event_types: list[WebhookEventType]
    description: str
    enabled: bool
    disabled_reason: DisabledReason | None = Field(
        description="`gone`: it answered 410. `failing`: no attempt succeeded for three days."
    )
    disabled_at: Utc | None
    failing_since: Utc | None = Field(description="Since when no attempt has succeeded; null after a success.")
    previous_secret_until: Utc | None = Field(description="Until when the secret before signs as well.")
    waiting: int = Field(description="Messages that are not delivered yet, counted up to 10,000.")
    failed: int = Field(description="Messages that failed or were skipped, counted up to 10,000.")
    created_at: Utc


class WebhookEndpointWithSecret(WebhookEndpoint):
    """An endpoint with a new secret."""

    secret: str | None = Field(description="Shown this once; null when the request is repeated with its key.")


class WebhookDeliverySummary(Shape):
    """One message to one endpoint."""

    delivery_id: UUID
    endpoint_id: UUID
    webhook_id: str = Field(description="The header `webhook-id`: the same in every attempt and for every endpoint.")
    event_type: WebhookEventType
    order_id: UUID
    status: DeliveryStatus
    attempts: int
    last_response_status: int | None = Field(description="The HTTP status of the last answer; null without one.")
    last_error: str | None
    next_attempt_at: Utc | None
    created_at: Utc


class WebhookAttempt(Shape):
    """One attempt; of the answer only its status is kept."""

    number: int
    at: Utc
    response_status: int | None = Field(description="The HTTP status of the answer; null without one.")
    duration_ms: int
    error: str | None


class WebhookDelivery(WebhookDeliverySummary):
    """One message to one endpoint, with its attempts."""

    body: str = Field(description="What is signed and sent.")
    log: list[WebhookAttempt] = Field(description="The attempts, oldest first.")


class RedeliveredWebhooks(Shape):
    """How many messages are sent again."""

    redelivered: int


def endpoint_shape(found: EndpointView) -> WebhookEndpoint:
    """An endpoint in an answer."""
    return WebhookEndpoint(**_members(found))


def endpoint_with_secret(found: EndpointView, secret: str | None) -> WebhookEndpointWithSecret:
    """An endpoint with its new secret."""
    return WebhookEndpointWithSecret(**_members(found), secret=secret)


def delivery_summary(found: DeliveryView) -> WebhookDeliverySummary:
    """A delivery in a list."""
    return WebhookDeliverySummary(**_delivery(found))


def delivery_shape(found: DeliveryView, attempts: list[AttemptView]) -> WebhookDelivery:
    """A delivery with its attempts."""
    log = [
        WebhookAttempt(
            number=each.number, at=each.at, response_status=each.status, duration_ms=each.duration, error=each.error
        )
        for each in attempts
    ]
    return WebhookDelivery(**_delivery(found), body=found.body, log=log)


def _members(found: EndpointView) -> dict[str, object]:
    return {
        "endpoint_id": found.id,
        "url": found.url,
        "event_types": list(found.event_types),
        "description": found.description,
        "enabled": found.disabled_reason is None,
        "disabled_reason": found.disabled_reason,
        "disabled_at": found.disabled_at,
        "failing_since": found.failing_since,
        "previous_secret_until": found.previous_secret_until,
        "waiting": found.waiting,
        "failed": found.failed,
        "created_at": found.created_at,
    }


def _delivery(found: DeliveryView) -> dict[str, object]:
    return {
        "delivery_id": found.id,
        "endpoint_id": found.endpoint_id,
        "webhook_id": found.message_id,
        "event_type": found.event_type,
        "order_id": found.order_id,
        "status": found.status,
        "attempts": found.attempts,
        "last_response_status": found.last_status,
        "last_error": found.last_error,
        "next_attempt_at": found.next_attempt_at,
        "created_at": found.created_at,
    }
