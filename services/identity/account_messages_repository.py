"""Messages of accounts in SQL: written with their cause, taken by whoever brings them to the notifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW
from services.pg_notify import NOTIFICATIONS


def add(session: Session, values: dict[str, Any]) -> None:
    """Write one message, and wake the dispatcher when the transaction commits."""
    session.execute(_ADD, values)


def find(session: Session, limit: int) -> Sequence[Row[Any]]:
    """The oldest messages: `id, channel, template, language, sealed`."""
    return session.execute(_FIND, {"limit": limit}).all()


def remove(session: Session, ids: Sequence[UUID]) -> None:
    """They are somebody else's now."""
    session.execute(_REMOVE, {"ids": list(ids)})


_ADD = text(
    f"""
    WITH put AS (
      INSERT INTO identity.messages (id, channel, template, language, sealed, created_at)
      VALUES (:id, :channel, :template, :language, cast(:sealed AS bytea), {NOW}))
    SELECT pg_notify('{NOTIFICATIONS}', '')
    """  # noqa: S608 - constants of this project
)
_FIND = text("SELECT id, channel, template, language, sealed FROM identity.messages ORDER BY id LIMIT :limit")
_REMOVE = text("DELETE FROM identity.messages WHERE id = ANY(:ids)")
