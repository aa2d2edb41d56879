"""Inputs and outputs of the notifications service: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.money import Money
from services.notifications.status import NotificationChannel, NotificationStatus


class OrderEvent(StrEnum):
    """The order events that a buyer is notified of (contract, Notifications); the template is `order_<event>`."""

    CREATED = "created"
    PAID = "paid"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


@dataclass(frozen=True)
class NewMessage:
    """One message to queue; a second one with the same key is not queued."""

    key: str
    channel: NotificationChannel
    to: str = field(repr=False)
    template: str
    language: str
    variables: Mapping[str, str] = field(repr=False)
    order_id: UUID | None = None

    @classmethod
    def for_account(
        cls, message_id: UUID, channel: str, to: str, template: str, language: str, variables: Mapping[str, str]
    ) -> NewMessage:
        """A message about an account; `message_id` is its id in the identity service and makes its key."""
        return cls(f"account:{message_id}", NotificationChannel(channel), to, template, language, variables)


@dataclass(frozen=True)
class OrderNotification:
    """An order event and the contacts of its buyer; `total` is the order's total, or what was refunded."""

    order_id: UUID
    event: OrderEvent
    language: str
    email: str | None = field(repr=False)
    #: E.164, without duplicates; the second is the phone given with the order
    phones: Sequence[str] = field(repr=False)
    first_name: str = field(repr=False)
    total: Money
    #: why the order was cancelled (contract, section 3); only for `cancelled`
    reason: str | None = None
    #: distinguishes this event from an earlier one of its type; None for the first
    again: str | None = None


@dataclass(frozen=True)
class NotificationView:
    """A message as its sender may see it: the recipient is masked, the content is left out."""

    id: UUID
    status: NotificationStatus
    channel: NotificationChannel
    to_masked: str
    template: str
    created_at: datetime
    error_message: str | None
    #: True when an earlier request with the same Idempotency-Key created it
    replayed: bool = False


@dataclass(frozen=True)
class DispatchResult:
    """How many messages of one dispatch were sent, failed, or stay queued."""

    sent: int = 0
    failed: int = 0
    queued: int = 0
