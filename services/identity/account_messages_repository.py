"""SQL of the outbox of messages about accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from services.clock import NOW
from services.pg_notify import NOTIFICATIONS


@dataclass(frozen=True)
class StoredAccountMessage:
    """A stored message; `sealed` holds recipient and variables encrypted, None: no recipient."""

    id: UUID
    channel: str
    template: str
    language: str
    sealed: bytes | None = field(repr=False)


def add(session: Session, message: StoredAccountMessage, now: datetime | None) -> None:
    """Insert one message, and wake the dispatcher on commit."""
    session.execute(_ADD, {**vars(message), "now": now})


def find(session: Session, limit: int) -> list[StoredAccountMessage]:
    """The oldest messages."""
    return [StoredAccountMessage(**row._mapping) for row in session.execute(_FIND, {"limit": limit})]


def remove(session: Session, ids: Sequence[UUID]) -> None:
    """Delete messages."""
    session.execute(_REMOVE, {"ids": list(ids)})


_ADD = text(
    f"""
    WITH added AS (
      INSERT INTO identity.messages (id, channel, template, language, sealed, created_at)
      VALUES (:id, :channel, :template, :language, cast(:sealed AS bytea), {NOW}))
    SELECT pg_notify('{NOTIFICATIONS}', '')
    """  # noqa: S608 - only constants of this project
)
_FIND = text("SELECT id, channel, template, language, sealed FROM identity.messages ORDER BY id LIMIT :limit")
_REMOVE = text("DELETE FROM identity.messages WHERE id = ANY(:ids)")
