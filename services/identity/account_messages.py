"""What people are told of their accounts: written in the transaction of its cause, never one without the other.

Services do not call each other: the notification dispatcher takes the messages from here (`pending`, `remove`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlmodel import Session

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.identity import account_messages_repository
from services.identity.status import IdentifierKind
from services.identity.views import PendingAccountMessage
from services.secrets import Vault

#: How an identifier is reached.
CHANNELS: Mapping[IdentifierKind, str] = {IdentifierKind.EMAIL: "email", IdentifierKind.PHONE: "sms"}


class AccountMessages:
    """The accounts' own outbox."""

    def __init__(self, sessions: Sessions, vault: Vault, clock: Clock) -> None:
        self._sessions, self._vault, self._clock = sessions, vault, clock

    def add(
        self,
        session: Session,
        way: IdentifierKind,
        to: str | None,
        template: str,
        variables: Mapping[str, str],
        language: str = "ru",
    ) -> None:
        """Write a message in the caller's transaction; to nobody (None) costs the same, and is never sent."""
        sealed = self._vault.seal({"to": to or "", **variables})
        values = {
            "id": new_id(),
            "channel": CHANNELS[way],
            "template": template,
            "language": language,
            "sealed": sealed if to else None,
            "now": self._clock.override(),
        }
        account_messages_repository.add(session, values)

    def add_for_account(self, session: Session, account: Any, template: str, variables: Mapping[str, str]) -> None:
        """The same to every identifier where news of an account goes; `account`: `email, phone, language`."""
        for way, to in ((IdentifierKind.EMAIL, account.email), (IdentifierKind.PHONE, account.phone)):
            if to:
                self.add(session, way, to, template, variables, account.language)

    def pending(self, limit: int) -> list[PendingAccountMessage]:
        """The oldest messages, to be queued and then forgotten; taken again until they are."""
        with self._sessions.begin() as session:
            rows = account_messages_repository.find(session, limit)
        return [self._opened(row) for row in rows]

    @retried
    def remove(self, ids: Sequence[UUID]) -> None:
        """They are queued, or were to nobody."""
        if not ids:
            return
        with self._sessions.begin() as session:
            account_messages_repository.remove(session, ids)

    def _opened(self, row: Any) -> PendingAccountMessage:
        try:
            variables = self._vault.open(row.sealed) if row.sealed is not None else {}
        except ValueError:
            # Its key was retired: nobody will ever read it again, and it must not hold up the others.
            structlog.get_logger(__name__).error("identity.message_lost", id=str(row.id), template=row.template)
            variables = {}
        to = variables.pop("to", None)
        return PendingAccountMessage(row.id, row.channel, to or None, row.template, row.language, variables)
