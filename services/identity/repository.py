"""Identity in SQL: accounts, credentials and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW

#: Days after which a session ends whatever happens, and after which an unused refresh token does.
SESSION_DAYS = 30
IDLE_DAYS = 14


def is_taken(session: Session, email_canonical: str | None, phone: str | None) -> bool:
    """Whether an account is known by one of the two."""
    found = session.execute(_TAKEN, {"email": email_canonical, "phone": phone}).one_or_none()
    return found is not None


def add_user(session: Session, user: dict[str, Any]) -> Row[Any] | None:
    """Write account and credential in one statement; None when the identifier is taken."""
    return session.execute(_ADD_USER, user).one_or_none()


def find_credential(session: Session, email_canonical: str | None, phone: str | None) -> Row[Any] | None:
    """`user_id, hash` of the active account known by one of the two."""
    return session.execute(_FIND_CREDENTIAL, {"email": email_canonical, "phone": phone}).one_or_none()


def open_session(session: Session, values: dict[str, Any]) -> Row[Any] | None:
    """Write session and refresh token, unless the account or its password changed meanwhile; returns `role`."""
    return session.execute(_OPEN_SESSION, values).one_or_none()


def replace_hash(session: Session, user_id: UUID, old: str, new: str, parameters: str) -> bool:
    """Store a hash of the same password under newer parameters, unless the password changed meanwhile."""
    values = {"user_id": user_id, "old": old, "new": new, "parameters": parameters}
    return session.execute(_REPLACE_HASH, values).one_or_none() is not None


def find_live_role(session: Session, session_id: UUID, user_id: UUID, now: datetime | None) -> str | None:
    """The role of an active user whose session lives; two primary keys, one statement, for every request."""
    role: str | None = session.execute(
        _LIVE_ROLE, {"session_id": session_id, "user_id": user_id, "now": now}
    ).scalar_one_or_none()
    return role


def find_profile(session: Session, user_id: UUID) -> Row[Any] | None:
    return session.execute(_PROFILE, {"user_id": user_id}).one_or_none()


def find_contacts(session: Session, user_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """`id, email, phone, first_name, language`, an identifier only where news may go."""
    return session.execute(_CONTACTS, {"user_ids": list(user_ids)}).all()


def set_active(session: Session, user_id: UUID, active: bool, now: datetime | None) -> bool:
    """Switch an account; False when there is none."""
    found = session.execute(_SET_ACTIVE, {"user_id": user_id, "active": active, "now": now}).one_or_none()
    return found is not None


def end_sessions(session: Session, user_id: UUID, reason: str, now: datetime | None) -> int:
    """End every live session of an account; returns how many."""
    return len(session.execute(_END_SESSIONS, {"user_id": user_id, "reason": reason, "now": now}).all())


_TAKEN = text(
    "SELECT 1 FROM identity.users WHERE email_canonical = cast(:email AS text) OR phone = cast(:phone AS text) LIMIT 1"
)
# Whichever unique index objects: 64 at once leave exactly one account, and no error to tell apart.
_ADD_USER = text(
    """
    WITH made AS (
        INSERT INTO identity.users
               (id, first_name, last_name, email, email_canonical, phone, registered_with, language)
        VALUES (:id, :first_name, :last_name, :email, :email_canonical, :phone, :registered_with, :language)
        ON CONFLICT DO NOTHING
        RETURNING id, first_name, last_name, email, phone, email_verified, phone_verified
    ), credential AS (
        INSERT INTO identity.credentials (user_id, hash, parameters) SELECT id, :hash, :parameters FROM made
    )
    SELECT * FROM made
    """
)
_FIND_CREDENTIAL = text(
    """
    SELECT c.user_id, c.hash
      FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
     WHERE u.is_active AND (u.email_canonical = cast(:email AS text) OR u.phone = cast(:phone AS text))
    """
)
# The lock makes a login and the disabling of its account take turns: no session outlives the switch.
_OPEN_SESSION = text(
    f"""
    WITH owner AS (
        SELECT u.id, u.role
          FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
         WHERE u.id = :user_id AND u.is_active AND c.hash = :seen_hash
           FOR SHARE
    ), opened AS (
        INSERT INTO identity.sessions (id, user_id, created_at, last_used_at, expires_at)
        SELECT :session_id, id, {NOW}, {NOW}, {NOW} + interval '{SESSION_DAYS} days' FROM owner
    ), token AS (
        INSERT INTO identity.tokens (id, user_id, session_id, kind, hash, created_at, expires_at)
        SELECT :token_id, id, :session_id, 'refresh', :token_hash, {NOW}, {NOW} + interval '{IDLE_DAYS} days' FROM owner
    )
    SELECT role FROM owner
    """  # noqa: S608 - constants of this module
)
_REPLACE_HASH = text(
    "UPDATE identity.credentials SET hash = :new, parameters = :parameters"
    " WHERE user_id = :user_id AND hash = :old RETURNING 1"
)
_LIVE_ROLE = text(
    f"""
    SELECT u.role
      FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
     WHERE s.id = :session_id AND s.user_id = :user_id
       AND s.ended_at IS NULL AND s.expires_at > {NOW} AND u.is_active
    """  # noqa: S608
)
_PROFILE = text(
    "SELECT id, first_name, last_name, email, phone, email_verified, phone_verified"
    "  FROM identity.users WHERE id = :user_id"
)
_CONTACTS = text(
    """
    SELECT id, first_name, language,
           CASE WHEN email_verified OR registered_with = 'email' THEN email END AS email,
           CASE WHEN phone_verified OR registered_with = 'phone' THEN phone END AS phone
      FROM identity.users
     WHERE id = ANY(:user_ids)
    """
)
_SET_ACTIVE = text(
    f"UPDATE identity.users SET is_active = :active, updated_at = {NOW} WHERE id = :user_id RETURNING 1"  # noqa: S608
)
_END_SESSIONS = text(
    f"UPDATE identity.sessions SET ended_at = {NOW}, end_reason = :reason"  # noqa: S608
    " WHERE user_id = :user_id AND ended_at IS NULL RETURNING 1"
)
