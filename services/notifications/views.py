"""Inputs and outputs of the notifications service: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.money import Money
from services.notifications.status import NotificationChannel, NotificationStatus

#: The templates that carry a code or a reset token.
_WITH_A_SECRET = frozenset({"verify_email", "verify_phone", "password_reset"})


class OrderEvent(StrEnum):
    """The order events that a buyer is notified of (contract, Notifications); the template is `order_<event>`."""

    CREATED = "created"
    PAID = "paid"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class Budget(StrEnum):
    """What a new message is counted against."""

    #: the budget of its recipient, and of all SMS
    RECIPIENT = "recipient"
    #: the budget of all SMS: its recipient has proved the identifier, or has paid
    SHOP = "shop"
    #: nothing: codes and reset tokens were counted when they were requested
    COUNTED = "counted"


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
    budget: Budget = Budget.RECIPIENT

    @classmethod
    def for_account(
        cls, message_id: UUID, channel: str, to: str, template: str, language: str, variables: Mapping[str, str]
    ) -> NewMessage:
        """A message about an account; `message_id` is its id in the identity service and makes its key.

        The others than codes and reset tokens are notices, which are sent to verified identifiers only.
        """
        budget = Budget.COUNTED if template in _WITH_A_SECRET else Budget.SHOP
        key = f"account:{message_id}"
        return cls(key, NotificationChannel(channel), to, template, language, variables, budget=budget)


@dataclass(frozen=True)
class Goods:
    """One product of an order."""

    name: str
    quantity: int
    #: of one unit
    price: Money


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
    #: whether money was taken for a cancelled order, and goes back
    money_returned: bool = False
    #: the total of the order
    order_total: Money | None = None
    #: the first products of the order, and how many it has beside them
    goods: Sequence[Goods] = ()
    more_goods: int = 0
    #: street, city, region and postal code as the buyer wrote them
    address: Sequence[str] = field(default=(), repr=False)
    #: ISO 3166-1 alpha-2 or XK
    country: str = ""
    #: seconds in which the order must be paid, when nothing is given yet to pay with; only for `created`
    pay_within: int | None = None
    #: distinguishes this event from an earlier one of its type; None for the first
    again: str | None = None
    #: those of the addresses that have proved to be the buyer's, or have paid: they have no budget
    trusted: frozenset[str] = field(default=frozenset(), repr=False)


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
