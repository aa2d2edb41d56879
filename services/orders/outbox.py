"""The outbox of orders: commands for Temporal that are not delivered, and events whose notifications are not queued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.db import Database, Executor, retried
from services.money import Money
from services.orders import outbox_repository, shaping
from services.orders.contacts import phone_of
from services.orders.status import CancelReason
from services.orders.views import Address, Command
from services.secrets import Vault


@dataclass(frozen=True)
class EventLine:
    """One product of the order of an event; `price` is that of one unit."""

    name: str
    quantity: int
    price: Money


@dataclass(frozen=True)
class PendingNotification:
    """An event whose messages are not queued yet."""

    id: int
    order_id: UUID
    buyer_id: UUID
    #: what makes the event one of its order
    key: str
    type: str
    at: datetime
    #: of the order, after the event
    status: str
    language: str
    total: Money
    #: a refund's own amount, else None
    amount: Money | None
    cancel_reason: CancelReason | None
    #: the first lines of the order, and how many it has beside them
    lines: tuple[EventLine, ...]
    more_lines: int
    address: Address = field(repr=False)
    #: what tells this event from an earlier one of its type, as with a second refund; None for the first
    again: str | None = None
    #: the phone number given with the order (E.164), once it has paid
    phone: str | None = field(default=None, repr=False)
    #: whether the buyer has paid an order, this one or another
    buyer_paid: bool = False
    #: of a cancelled order: whether money was taken for it, which goes back
    money_returned: bool = False
    #: of a created order to which no payment method was given yet: seconds in which it must be paid
    pay_within: int | None = None


class OrderOutbox:
    """What the relay and the notification dispatcher read and mark as done."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    @retried
    def claim_commands(self, limit: int, lease_seconds: float) -> list[Command]:
        """Lease the oldest undone command of each order for some seconds."""
        return [shaping.command(row) for row in outbox_repository.claim_commands(self._database, limit, lease_seconds)]

    @retried
    def finish_commands(self, outcomes: Mapping[int, str]) -> None:
        """Mark commands as delivered, each with what became of it (`delivered`, `stale` …)."""
        if not outcomes:
            return
        outbox_repository.finish_commands(self._database, outcomes)

    @retried
    def return_commands(self, command_ids: Sequence[int], seconds: float) -> None:
        """Give leased commands back, to be tried again in so many seconds."""
        if not command_ids:
            return
        outbox_repository.return_commands(self._database, command_ids, seconds)

    @retried
    def delete_done(self, limit: int) -> int:
        """Delete at most `limit` commands that were delivered 30 days ago, the oldest first; returns how many."""
        return outbox_repository.delete_done(self._database, limit)

    def pending_notifications(self, limit: int) -> list[PendingNotification]:
        """Events whose messages are not queued yet, oldest first; a refund after the cancellation it belongs to."""
        rows = outbox_repository.pending_notifications(self._database, limit)
        return [self._pending_notification(row) for row in rows]

    @retried
    def mark_notified(self, event_ids: Sequence[int], tx: Executor | None = None) -> None:
        """The messages of these events are queued."""
        outbox_repository.mark_notified(tx or self._database, event_ids)

    def _pending_notification(self, row: Any) -> PendingNotification:
        return PendingNotification(
            id=row.id,
            order_id=row.order_id,
            buyer_id=row.buyer_id,
            key=row.key,
            type=row.type,
            at=row.at,
            status=row.status,
            language=row.language,
            total=Money(row.total_minor, row.currency),
            amount=Money(row.amount_minor, row.currency) if row.amount_minor is not None else None,
            cancel_reason=shaping.reason(row.cancel_reason),
            again=row.again,
            phone=phone_of(self._vault, row.contact, row.order_id),
            buyer_paid=row.buyer_paid,
            money_returned=row.money_returned,
            lines=tuple(EventLine(name, quantity, Money(price, row.currency)) for name, quantity, price in row.lines),
            more_lines=row.more_lines,
            address=Address(row.country, row.region, row.city, row.street, row.postal_code),
            pay_within=row.pay_within,
        )
