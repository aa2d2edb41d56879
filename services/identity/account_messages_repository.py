"""SQL of the outbox of messages about accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.pg_notify import NOTIFICATIONS


@dataclass(frozen=True)
class StoredAccountMessage:
    """A stored message; `sealed` holds recipient and variables encrypted, None: no recipient."""

    id: UUID
    channel: str
    template: str
    language: str
    sealed: bytes | None = field(repr=False)


def add(tx: Executor, message: StoredAccountMessage) -> None:
    """Insert one message, and wake the dispatcher on commit."""
    tx.execute(_ADD, {**vars(message)})


def find(tx: Executor, limit: int) -> list[StoredAccountMessage]:
    """The oldest messages."""
    return tx.fetch_all(_FIND, {"limit": limit}, into=StoredAccountMessage)


def remove(tx: Executor, ids: Sequence[UUID]) -> None:
    """Delete messages."""
    tx.execute(_REMOVE, {"ids": list(ids)})


_ADD = f"""
    WITH added AS (
      INSERT INTO identity.messages (id, channel, template, language, sealed, created_at)
      VALUES (%(id)s, %(channel)s, %(template)s, %(language)s, cast(%(sealed)s AS bytea), {NOW}))
    SELECT pg_notify('{NOTIFICATIONS}', '')
    """  # noqa: S608 - only constants of this project
_FIND = "SELECT id, channel, template, language, sealed FROM identity.messages ORDER BY id LIMIT %(limit)s"
_REMOVE = "DELETE FROM identity.messages WHERE id = ANY(%(ids)s)"
