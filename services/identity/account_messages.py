"""What people are told of their accounts: written in the transaction of its cause, never one without the other.

Services do not call each other: the notification dispatcher takes the messages from here (`take`, `forget`).
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
from services.identity.models import Identifier
from services.identity.views import AccountNotice
from services.secrets import Vault

#: How an identifier is reached.
CHANNELS: Mapping[Identifier, str] = {Identifier.EMAIL: "email", Identifier.PHONE: "sms"}


class AccountMessages:
    """The accounts' own outbox."""

    def __init__(self, sessions: Sessions, vault: Vault, clock: Clock) -> None:
        self._sessions, self._vault, self._clock = sessions, vault, clock

    def tell(
        self,
        session: Session,
        way: Identifier,
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

    def tell_account(self, session: Session, account: Any, template: str, variables: Mapping[str, str]) -> None:
        """The same to every identifier where news of an account goes; `account`: `email, phone, language`."""
        for way, to in ((Identifier.EMAIL, account.email), (Identifier.PHONE, account.phone)):
            if to:
                self.tell(session, way, to, template, variables, account.language)

    def take(self, limit: int) -> list[AccountNotice]:
        """The oldest messages, to be queued and then forgotten; taken again until they are."""
        with self._sessions.begin() as session:
            rows = account_messages_repository.find(session, limit)
        return [self._opened(row) for row in rows]

    @retried
    def forget(self, ids: Sequence[UUID]) -> None:
        """They are queued, or were to nobody."""
        if not ids:
            return
        with self._sessions.begin() as session:
            account_messages_repository.remove(session, ids)

    def _opened(self, row: Any) -> AccountNotice:
        try:
            variables = self._vault.open(row.sealed) if row.sealed is not None else {}
        except ValueError:
            # Its key was retired: nobody will ever read it again, and it must not hold up the others.
            structlog.get_logger(__name__).error("identity.message_lost", id=str(row.id), template=row.template)
            variables = {}
        to = variables.pop("to", None)
        return AccountNotice(row.id, row.channel, to or None, row.template, row.language, variables)
