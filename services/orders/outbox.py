"""The outbox of orders: commands for Temporal that are not delivered, and events whose notifications are not queued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.db import Database, Executor, retried
from services.money import Money
from services.orders import outbox_repository, shaping
from services.orders.views import Command, PendingNotification
from services.secrets import Vault


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

    def pending_notifications(self, limit: int) -> list[PendingNotification]:
        """Events whose messages are not queued yet, oldest first."""
        return [
            self._pending_notification(row) for row in outbox_repository.pending_notifications(self._database, limit)
        ]

    @retried
    def mark_notified(self, event_ids: Sequence[int], tx: Executor | None = None) -> None:
        """The messages of these events are queued."""
        outbox_repository.mark_notified(tx or self._database, event_ids)

    def _pending_notification(self, row: Any) -> PendingNotification:
        return PendingNotification(
            id=row.id,
            order_id=row.order_id,
            buyer_id=row.buyer_id,
            type=row.type,
            language=row.language,
            total=Money(row.total_minor, row.currency),
            amount=Money(row.amount_minor, row.currency) if row.amount_minor is not None else None,
            cancel_reason=shaping.reason(row.cancel_reason),
            again=row.again,
            phone=self._vault.open(row.contact)["phone"] if row.contact else None,
        )
