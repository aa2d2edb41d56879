"""Outbox of messages about accounts, written in the transaction of their cause.

Services do not call each other: the notification dispatcher reads the messages here (`pending`), queues them with the
notifications service, and deletes them here (`remove`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, Executor, retried
from services.identity import account_messages_repository
from services.identity.account_messages_repository import StoredAccountMessage
from services.identity.status import IdentifierKind
from services.identity.views import Contact, PendingAccountMessage
from services.secrets import Vault

#: The channel that reaches each kind of identifier.
CHANNELS: Mapping[IdentifierKind, str] = {IdentifierKind.EMAIL: "email", IdentifierKind.PHONE: "sms"}


class AccountMessages:
    """The outbox of the identity service."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

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

    def add_for_account(self, tx: Executor, contact: Contact, template: str, variables: Mapping[str, str]) -> None:
        """Write the message to each of an account's contact addresses."""
        for kind, to in ((IdentifierKind.EMAIL, contact.email), (IdentifierKind.PHONE, contact.phone)):
            if to:
                self.add(tx, kind, to, template, variables, contact.language)

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

    def _decrypt(self, row: StoredAccountMessage) -> PendingAccountMessage:
        try:
            variables = self._vault.open(row.sealed) if row.sealed is not None else {}
        except ValueError:
            # Its key was retired, so it can never be decrypted. It is dropped so that it does not block the others.
            structlog.get_logger(__name__).error("identity.message_lost", id=str(row.id), template=row.template)
            variables = {}
        to = variables.pop("to", None)
        return PendingAccountMessage(row.id, row.channel, to or None, row.template, row.language, variables)
