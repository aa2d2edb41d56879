"""The messages of a person: a list for the person, and the deletion of their recipients and contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from services.db import Database, Executor
from services.notifications import personal_data_repository
from services.notifications.budget import MessageBudget
from services.notifications.personal_data_repository import PersonalMessage
from services.notifications.status import NotificationChannel
from services.secrets import Vault

_BATCH = 500


class NotificationPersonalData:
    """Reads and erases the messages of a person, who is named by orders and by addresses."""

    def __init__(self, database: Database, vault: Vault, budget: MessageBudget) -> None:
        self._database, self._vault, self._budget = database, vault, budget

    def erase(self, tx: Executor, order_ids: Sequence[UUID], email: str | None, phone: str | None) -> None:
        """Delete recipients and contents of the messages about orders, and of all others to the two addresses."""
        for start in range(0, len(order_ids), _BATCH):
            personal_data_repository.erase_orders(tx, order_ids[start : start + _BATCH])
        found = [message.id for message in self._sent_to(tx, email, phone)]
        personal_data_repository.erase(tx, found)

    def of_orders(self, order_ids: Sequence[UUID]) -> list[dict[str, Any]]:
        """The messages about orders."""
        return [self._shown(each) for each in personal_data_repository.of_orders(self._database, order_ids)]

    def of_account(self, email: str | None, phone: str | None) -> Iterator[dict[str, Any]]:
        """The other messages to the two addresses of an account."""
        return (self._shown(each) for each in self._sent_to(self._database, email, phone))

    def _sent_to(self, tx: Executor, email: str | None, phone: str | None) -> Iterator[PersonalMessage]:
        addresses = [(NotificationChannel.EMAIL, email), (NotificationChannel.SMS, phone)]
        given = [(channel, to) for channel, to in addresses if to is not None]
        subjects = [subject for channel, to in given for subject in self._budget.subjects(channel, to)]
        after = None
        while page := personal_data_repository.of_subjects(tx, subjects, after, _BATCH):
            after = page[-1].id
            # Several spellings have one hash, and may be addresses of several accounts.
            yield from (each for each in page if self._recipient(each) in {to.casefold() for _, to in given})

    def _recipient(self, message: PersonalMessage) -> str | None:
        if message.recipient is None:
            return None
        try:
            return self._vault.open(message.recipient)["to"].casefold()
        except ValueError:  # its key was retired
            return None

    def _shown(self, message: PersonalMessage) -> dict[str, Any]:
        return {
            "id": str(message.id),
            "orderId": str(message.order_id) if message.order_id else None,
            "channel": message.channel,
            "to": self._recipient(message),
            "template": message.template,
            "language": message.language,
            "status": message.status,
            "createdAt": message.created_at,
            "sentAt": message.sent_at,
        }
