"""SQL of passwords. Only hashes are stored; a hash is replaced only if it is still the one that was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from services.clock import NOW
from services.identity.passwords import PasswordHash


@dataclass(frozen=True)
class Credential:
    """The password hash of an active account, with its names and identifiers."""

    user_id: UUID
    hash: str = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    email_canonical: str | None = field(repr=False)
    phone: str | None = field(repr=False)


def find_credential(session: Session, email_canonical: str | None, phone: str | None) -> Credential | None:
    """The credential of the active account that has one of the two identifiers."""
    row = session.execute(_FIND, {"email": email_canonical, "phone": phone}).one_or_none()
    return Credential(**row._mapping) if row is not None else None


def find_own_credential(session: Session, user_id: UUID) -> Credential | None:
    """The credential of an active account by its id."""
    row = session.execute(_FIND_OWN, {"user_id": user_id}).one_or_none()
    return Credential(**row._mapping) if row is not None else None


def replace_hash(session: Session, user_id: UUID, old: str, new: PasswordHash) -> bool:
    """Store a hash of the same password with newer parameters; False when the password was changed meanwhile."""
    values = {"user_id": user_id, "old": old, "new": new.text, "parameters": new.parameters}
    return session.execute(_REPLACE_HASH, values).one_or_none() is not None


def change_password(session: Session, user_id: UUID, old: str, new: PasswordHash, now: datetime | None) -> bool:
    """Store the hash of a new password and invalidate reset tokens; False when it was changed meanwhile."""
    values = {"user_id": user_id, "old": old, "new": new.text, "parameters": new.parameters, "now": now}
    changed = session.execute(_CHANGE, values).one_or_none() is not None
    if changed:
        spend_reset_tokens(session, user_id, now)
    return changed


def spend_reset_tokens(session: Session, user_id: UUID, now: datetime | None) -> None:
    """Invalidate every reset token of an account."""
    session.execute(_SPEND_RESETS, {"user_id": user_id, "now": now})


_SELECT = """
    SELECT c.user_id, c.hash, u.first_name, u.last_name, u.email_canonical, u.phone
      FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
"""
_FIND = text(
    f"{_SELECT} WHERE u.is_active AND (u.email_canonical = cast(:email AS text) OR u.phone = cast(:phone AS text))"
)
_FIND_OWN = text(f"{_SELECT} WHERE u.is_active AND u.id = :user_id")
_REPLACE_HASH = text(
    "UPDATE identity.credentials SET hash = :new, parameters = :parameters"
    " WHERE user_id = :user_id AND hash = :old RETURNING 1"
)
_CHANGE = text(
    f"UPDATE identity.credentials SET hash = :new, parameters = :parameters, changed_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE user_id = :user_id AND hash = :old RETURNING 1"
)
_SPEND_RESETS = text(
    f"UPDATE identity.password_reset_tokens SET spent_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE user_id = :user_id AND spent_at IS NULL"
)
