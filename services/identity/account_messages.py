"""Outbox of messages about accounts, written in the transaction of their cause.

Services do not call each other: the notification dispatcher reads the messages here (`pending`), queues them with the
notifications service, and deletes them here (`remove`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, Executor, retried
from services.identity import account_messages_repository, repository
from services.identity.account_messages_repository import StoredAccountMessage
from services.identity.status import IdentifierKind
from services.identity.views import PendingAccountMessage
from services.rate_limiter import Rate, RateLimiter
from services.secrets import Vault

#: The channel that reaches each kind of identifier.
CHANNELS: Mapping[IdentifierKind, str] = {IdentifierKind.EMAIL: "email", IdentifierKind.PHONE: "sms"}
#: More messages than ever wait here: the dispatcher takes them away within seconds.
_ALL = 100_000


class AccountMessages:
    """The outbox of the identity service."""

    def __init__(self, database: Database, vault: Vault, limits: RateLimiter) -> None:
        self._database, self._vault, self._limits = database, vault, limits

    def add(
        self,
        tx: Executor,
        kind: IdentifierKind,
        to: str | None,
        template: str,
        variables: Mapping[str, str],
        language: str = "ru",
    ) -> None:
        """Write a message in the caller's transaction.

        Without a recipient (None) the same work is done, so that timing reveals nothing, and no message is sent.
        """
        encrypted = self._vault.seal({"to": to or "", **variables})
        message = StoredAccountMessage(new_id(), CHANNELS[kind], template, language, encrypted if to else None)
        account_messages_repository.add(tx, message)

    def add_notice(self, tx: Executor, user_id: UUID, template: str, variables: Mapping[str, str]) -> None:
        """Write a notice to the verified identifiers of an account; at most one of each template an hour."""
        contact = repository.find_contacts(tx, [user_id]).get(user_id)
        if contact is None or not (contact.email_verified or contact.phone_verified):
            return
        if not self.may_notify(tx, user_id, template):
            return
        if contact.email_verified:
            self.add(tx, IdentifierKind.EMAIL, contact.email, template, variables, contact.language)
        if contact.phone_verified:
            self.add(tx, IdentifierKind.PHONE, contact.phone, template, variables, contact.language)

    def may_notify(self, tx: Executor, user_id: UUID, template: str) -> bool:
        """Count a notice of an account; False when it had one of this template in the last hour."""
        return self._limits.take_in(tx, Rate(f"notice-{template}", 1, 3600), str(user_id), 1) == 1

    def pending(self, limit: int) -> list[PendingAccountMessage]:
        """The oldest messages; they are returned again until they are removed."""
        rows = account_messages_repository.find(self._database, limit)
        return [self._decrypt(row) for row in rows]

    @retried
    def remove(self, ids: Sequence[UUID]) -> None:
        """Delete messages that are queued or have no recipient."""
        if not ids:
            return
        account_messages_repository.remove(self._database, ids)

    def drop(self, tx: Executor, recipients: Collection[str]) -> None:
        """Delete the messages to these recipients that are not queued yet."""
        waiting = [self._decrypt(row) for row in account_messages_repository.find(tx, _ALL)]
        account_messages_repository.remove(tx, [one.id for one in waiting if one.to in recipients])

    def _decrypt(self, row: StoredAccountMessage) -> PendingAccountMessage:
        try:
            variables = self._vault.open(row.sealed) if row.sealed is not None else {}
        except ValueError:
            # Its key was retired, so it can never be decrypted. It is dropped so that it does not block the others.
            structlog.get_logger(__name__).error("identity.message_lost", id=str(row.id), template=row.template)
            variables = {}
        to = variables.pop("to", None)
        return PendingAccountMessage(row.id, row.channel, to or None, row.template, row.language, variables)
