"""What the notifications service takes and gives: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.money import Money
from services.notifications.status import Channel, NotificationStatus


class OrderEvent(StrEnum):
    """What a buyer is told of an order (contract, Notifications); the template is `order_<event>`."""

    CREATED = "created"
    PAID = "paid"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


@dataclass(frozen=True)
class NewMessage:
    """One message to queue; a second one with the same key is the same message."""

    key: str
    channel: Channel
    to: str = field(repr=False)
    template: str
    language: str
    variables: Mapping[str, str] = field(repr=False)
    order_id: UUID | None = None


@dataclass(frozen=True)
class OrderNotification:
    """One event of an order and who is to hear of it; `total` is what the event is about, also what was refunded."""

    order_id: UUID
    event: OrderEvent
    language: str
    email: str | None = field(repr=False)
    #: E.164, all different; the second is the order's own
    phones: Sequence[str] = field(repr=False)
    first_name: str = field(repr=False)
    total: Money
    #: why it was cancelled (contract, section 3); only for `cancelled`
    reason: str | None = None
    #: what tells this event from an earlier one of its type; None for the first
    again: str | None = None


@dataclass(frozen=True)
class NotificationView:
    """A message as its sender may see it: where it went is masked, what it said is not shown."""

    id: UUID
    status: NotificationStatus
    channel: Channel
    to_masked: str
    template: str
    created_at: datetime
    error_message: str | None
    #: True when an earlier request with the same Idempotency-Key made it
    replayed: bool = False


@dataclass(frozen=True)
class DispatchResult:
    """What became of the messages of one dispatch; those for `later` are still queued."""

    sent: int = 0
    failed: int = 0
    later: int = 0

    @property
    def total(self) -> int:
        return self.sent + self.failed + self.later
