"""SQL of password resets: one live token per account, spent by one guarded statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from services.clock import NOW, new_id
from services.db import Executor
from services.identity.passwords import PasswordHash

#: Minutes for which a reset token is valid.
RESET_MINUTES = 30


@dataclass(frozen=True)
class AccountToReset:
    """The account whose password a live token may set; `identifier_hash` binds the token to an identifier."""

    user_id: UUID
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    email_canonical: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    identifier_hash: bytes | None = field(repr=False)


def add(tx: Executor, user_id: UUID, token_hash: bytes, identifier_hash: bytes, *, known: bool) -> None:
    """Replace the account's live token, also one that was added at the same moment by its other identifier.

    With `known` False the same statements run and change nothing.
    """
    values = {
        "id": new_id(),
        "user_id": user_id,
        "hash": token_hash,
        "identifier_hash": identifier_hash,
        "known": known,
    }
    tx.execute(_SPEND_OTHERS, values)
    tx.execute(_ADD, values)


def last_was_used(tx: Executor, user_id: UUID) -> bool:
    """Whether the newest token of an account was used, or became invalid by a change that needs the password."""
    return bool(tx.fetch_value(_LAST_WAS_USED, {"user_id": user_id}))


def find_live(tx: Executor, token_hash: bytes) -> AccountToReset | None:
    """The account of a live token."""
    return tx.fetch_one(_FIND, {"hash": token_hash}, into=AccountToReset)


def set_password(tx: Executor, token_hash: bytes, new: PasswordHash) -> bool:
    """Spend the token and store the new password's hash; False when the token is no longer live."""
    values = {"hash": token_hash, "text": new.text, "parameters": new.parameters}
    return tx.fetch_one(_SET_PASSWORD, values) is not None


_SPEND_OTHERS = (
    f"UPDATE identity.password_reset_tokens SET spent_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE user_id = %(user_id)s AND spent_at IS NULL"
)
_LAST_WAS_USED = """
    SELECT spent_at IS NOT NULL FROM identity.password_reset_tokens WHERE user_id = %(user_id)s
     ORDER BY created_at DESC, id DESC LIMIT 1
    """
_ADD = f"""
    INSERT INTO identity.password_reset_tokens (id, user_id, hash, identifier_hash, created_at, expires_at)
    SELECT %(id)s, %(user_id)s, %(hash)s, cast(%(identifier_hash)s AS bytea), {NOW},
           {NOW} + interval '{RESET_MINUTES} minutes'
           WHERE cast(%(known)s AS boolean)
    ON CONFLICT (user_id) WHERE spent_at IS NULL
    DO UPDATE SET id = excluded.id, hash = excluded.hash, identifier_hash = excluded.identifier_hash,
                  created_at = excluded.created_at, expires_at = excluded.expires_at
    """
_LIVE = f"t.hash = %(hash)s AND t.spent_at IS NULL AND t.expires_at > {NOW} AND u.is_active"
_FIND = f"""
    SELECT u.id AS user_id, u.first_name, u.last_name, u.email_canonical, u.phone, t.identifier_hash
      FROM identity.password_reset_tokens t JOIN identity.users u ON u.id = t.user_id
     WHERE {_LIVE}
    """  # noqa: S608 - only constants of this project
_SET_PASSWORD = f"""
    WITH spent AS (
        UPDATE identity.password_reset_tokens t SET spent_at = {NOW}
          FROM identity.users u
         WHERE u.id = t.user_id AND {_LIVE}
        RETURNING t.user_id
    )
    UPDATE identity.credentials c SET hash = %(text)s, parameters = %(parameters)s, changed_at = {NOW}
      FROM spent WHERE c.user_id = spent.user_id
    RETURNING c.user_id
    """  # noqa: S608 - only constants of this project
