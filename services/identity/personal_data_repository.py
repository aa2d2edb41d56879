"""SQL of what the identity service holds about a person: read for a copy, and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.identifiers_repository import Account


def find(tx: Executor, user_id: UUID) -> Any | None:
    """The account, and whether it has a second factor."""
    return tx.fetch_one(_FIND, {"user_id": user_id})


def sessions(tx: Executor, user_id: UUID) -> Sequence[Any]:
    """Every stored session of the account, ended ones too, newest first."""
    return tx.fetch_all(_SESSIONS, {"user_id": user_id})


def lock(tx: Executor, user_id: UUID) -> Account | None:
    """The account with this id, active or disabled, locked against every other change."""
    return tx.fetch_one(_LOCK, {"user_id": user_id}, into=Account)


def delete(tx: Executor, user_id: UUID, identifiers: Sequence[str], by: Literal["person", "operator"]) -> None:
    """Delete the account, and the codes that anybody asked for at its addresses; note that it was erased.

    Credentials, second factors, sessions, tokens and tickets go with the account.
    """
    tx.execute(_DELETE_CODES, {"identifiers": list(identifiers)})
    tx.execute(_DELETE, {"user_id": user_id})
    tx.execute(_NOTE, {"user_id": user_id, "by": by})


_FIND = """
    SELECT u.id, u.first_name, u.last_name, u.email, u.phone, u.email_verified, u.phone_verified, u.registered_with,
           u.language, u.role, u.is_active, u.created_at, u.updated_at, c.changed_at AS password_changed_at,
           EXISTS (SELECT FROM identity.second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
               AS has_second_factor
      FROM identity.users u LEFT JOIN identity.credentials c ON c.user_id = u.id
     WHERE u.id = %(user_id)s
    """
_SESSIONS = """
    SELECT id, client, created_at, last_used_at, expires_at, ended_at, end_reason
      FROM identity.sessions WHERE user_id = %(user_id)s ORDER BY id DESC
    """
_LOCK = """
    SELECT id, email, phone, email_verified, phone_verified, email_canonical, language, registered_with, claimed_with
      FROM identity.users WHERE id = %(user_id)s FOR UPDATE
    """
_DELETE_CODES = "DELETE FROM identity.tokens WHERE identifier = ANY(cast(%(identifiers)s AS text[]))"
_DELETE = "DELETE FROM identity.users WHERE id = %(user_id)s"
_NOTE = f"""
    INSERT INTO identity.erasures AS e (user_id, by, at) VALUES (%(user_id)s, %(by)s, {NOW})
    ON CONFLICT (user_id) DO UPDATE SET by = excluded.by, at = excluded.at
    """  # noqa: S608 - only constants of this project
