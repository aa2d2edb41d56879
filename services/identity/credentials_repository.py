"""SQL of passwords. Only hashes are stored; a hash is replaced only if it is still the one that was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.passwords import PasswordHash


@dataclass(frozen=True)
class Credential:
    """The password hash of an active account, its names and identifiers, and whether it has a second factor."""

    user_id: UUID
    hash: str = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    email_canonical: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    second_factor: bool


def find_credential(tx: Executor, email_canonical: str | None, phone: str | None) -> Credential | None:
    """The credential of the active account that has one of the two identifiers."""
    return tx.fetch_one(_FIND, {"email": email_canonical, "phone": phone}, into=Credential)


def find_own_credential(tx: Executor, user_id: UUID) -> Credential | None:
    """The credential of an active account by its id."""
    return tx.fetch_one(_FIND_OWN, {"user_id": user_id}, into=Credential)


def replace_hash(tx: Executor, user_id: UUID, old: str, new: PasswordHash) -> bool:
    """Store a hash of the same password with newer parameters; False when the password was changed meanwhile."""
    values = {"user_id": user_id, "old": old, "new": new.text, "parameters": new.parameters}
    return tx.fetch_one(_REPLACE_HASH, values) is not None


def change_password(tx: Executor, user_id: UUID, old: str, new: PasswordHash) -> bool:
    """Store the hash of a new password; False when it was changed meanwhile."""
    values = {"user_id": user_id, "old": old, "new": new.text, "parameters": new.parameters}
    return tx.fetch_one(_CHANGE, values) is not None


def spend_reset_tokens(tx: Executor, user_id: UUID) -> None:
    """Invalidate every reset token of an account."""
    tx.execute(_SPEND_RESETS, {"user_id": user_id})


_SELECT = """
    SELECT c.user_id, c.hash, u.first_name, u.last_name, u.email_canonical, u.phone,
           EXISTS (SELECT FROM identity.second_factors f
                    WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL) AS second_factor
      FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
"""
_FIND = f"""
    {_SELECT} WHERE u.is_active AND (u.email_canonical = cast(%(email)s AS text)
     OR u.phone = cast(%(phone)s AS text))
    """
_FIND_OWN = f"{_SELECT} WHERE u.is_active AND u.id = %(user_id)s"
_REPLACE_HASH = (
    "UPDATE identity.credentials SET hash = %(new)s, parameters = %(parameters)s"
    " WHERE user_id = %(user_id)s AND hash = %(old)s RETURNING 1"
)
_CHANGE = (
    f"UPDATE identity.credentials SET hash = %(new)s, parameters = %(parameters)s, changed_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE user_id = %(user_id)s AND hash = %(old)s RETURNING 1"
)
_SPEND_RESETS = (
    f"UPDATE identity.password_reset_tokens SET spent_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE user_id = %(user_id)s AND spent_at IS NULL"
)
