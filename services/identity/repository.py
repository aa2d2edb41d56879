"""Accounts in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW


def is_taken(session: Session, email_canonical: str | None, phone: str | None) -> bool:
    """Whether an account is known by one of the two."""
    found = session.execute(_TAKEN, {"email": email_canonical, "phone": phone}).one_or_none()
    return found is not None


def add_user(session: Session, user: dict[str, Any]) -> Row[Any] | None:
    """Write account and credential in one statement; None when the identifier is taken."""
    return session.execute(_ADD_USER, user).one_or_none()


def find_profile(session: Session, user_id: UUID) -> Row[Any] | None:
    return session.execute(_PROFILE, {"user_id": user_id}).one_or_none()


def rename(session: Session, values: dict[str, Any]) -> Row[Any] | None:
    """Change the names that are not None; the profile, None when there is no such account."""
    return session.execute(_RENAME, values).one_or_none()


def find_contacts(session: Session, user_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """`id, email, phone, first_name, language`, an identifier only where news may go."""
    return session.execute(_CONTACTS, {"user_ids": list(user_ids)}).all()


def set_active(session: Session, user_id: UUID, active: bool, now: datetime | None) -> bool:
    """Switch an account; False when there is none."""
    found = session.execute(_SET_ACTIVE, {"user_id": user_id, "active": active, "now": now}).one_or_none()
    return found is not None


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
_PROFILE = text(
    "SELECT id, first_name, last_name, email, phone, email_verified, phone_verified"
    "  FROM identity.users WHERE id = :user_id"
)
_RENAME = text(
    f"""
    UPDATE identity.users
       SET first_name = coalesce(cast(:first_name AS text), first_name),
           last_name = coalesce(cast(:last_name AS text), last_name), updated_at = {NOW}
     WHERE id = :user_id
    RETURNING id, first_name, last_name, email, phone, email_verified, phone_verified
    """  # noqa: S608 - a constant of this project
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
