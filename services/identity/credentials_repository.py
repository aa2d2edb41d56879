"""Passwords in SQL: only ever as a hash, and replaced only while it is still the one that was looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW


def find_credential(session: Session, email_canonical: str | None, phone: str | None) -> Row[Any] | None:
    """`user_id, hash` of the active account known by one of the two."""
    return session.execute(_FIND, {"email": email_canonical, "phone": phone}).one_or_none()


def find_own_credential(session: Session, user_id: UUID) -> Row[Any] | None:
    """`hash` of an active account, and what it is known by: `first_name, last_name, email_canonical, phone`."""
    return session.execute(_FIND_OWN, {"user_id": user_id}).one_or_none()


def replace_hash(session: Session, user_id: UUID, old: str, new: str, parameters: str) -> bool:
    """Store a hash of the same password under newer parameters, unless the password changed meanwhile."""
    values = {"user_id": user_id, "old": old, "new": new, "parameters": parameters}
    return session.execute(_REPLACE_HASH, values).one_or_none() is not None


def change_password(session: Session, values: dict[str, Any]) -> bool:
    """Store the hash of another password, unless it changed meanwhile; nobody's reset token is good any more."""
    changed = session.execute(_CHANGE, values).one_or_none() is not None
    if changed:
        spend_reset_tokens(session, values["user_id"], values["now"])
    return changed


def spend_reset_tokens(session: Session, user_id: UUID, now: datetime | None) -> None:
    """Let no reset of this account that was asked for so far be carried out."""
    session.execute(_SPEND_RESETS, {"user_id": user_id, "now": now})


_FIND = text(
    """
    SELECT c.user_id, c.hash
      FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
     WHERE u.is_active AND (u.email_canonical = cast(:email AS text) OR u.phone = cast(:phone AS text))
    """
)
_FIND_OWN = text(
    """
    SELECT c.hash, u.first_name, u.last_name, u.email_canonical, u.phone
      FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
     WHERE u.is_active AND u.id = :user_id
    """
)
_REPLACE_HASH = text(
    "UPDATE identity.credentials SET hash = :new, parameters = :parameters"
    " WHERE user_id = :user_id AND hash = :old RETURNING 1"
)
_CHANGE = text(
    f"UPDATE identity.credentials SET hash = :new, parameters = :parameters, changed_at = {NOW}"  # noqa: S608
    " WHERE user_id = :user_id AND hash = :old RETURNING 1"
)
_SPEND_RESETS = text(
    f"UPDATE identity.password_reset_tokens SET spent_at = {NOW}"  # noqa: S608 - constants of this project
    " WHERE user_id = :user_id AND spent_at IS NULL"
)
