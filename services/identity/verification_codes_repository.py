"""SQL of verification codes: one live code per purpose, single use, each guess counted before it is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.status import TokenKind

#: Minutes for which a code is valid.
CODE_MINUTES = 10
#: Guesses at one code.
MAX_GUESSES = 5


@dataclass(frozen=True)
class NewCode:
    """A code to store; `user_id` is None when it was requested for an unknown identifier.

    `session_id` is the session that asked for a change of an identifier, None for the code of a verification.
    """

    id: UUID
    user_id: UUID | None
    session_id: UUID | None
    kind: TokenKind
    hash: bytes = field(repr=False)
    identifier: str = field(repr=False)


@dataclass(frozen=True)
class StoredCode:
    """A live code that a guess was counted for."""

    id: UUID
    user_id: UUID | None
    kind: str
    hash: bytes = field(repr=False)


@dataclass(frozen=True)
class Guess:
    """A code that somebody sent for an identifier, with account and session of their token, if any.

    A code that verifies is valid without a token or with one of its account; a code that changes an identifier is
    valid in the session that asked for it.
    """

    identifier: str = field(repr=False)
    verify: TokenKind
    change: TokenKind
    user_id: UUID | None
    session_id: UUID | None


def replace_code(tx: Executor, code: NewCode) -> None:
    """Insert a code and invalidate the live one of the same purpose, also one that was inserted at the same moment."""
    values = {**vars(code), "kind": str(code.kind)}
    verifies = code.kind.startswith("verify")
    tx.execute(_SPEND_VERIFY if verifies else _SPEND_CHANGE, values)
    tx.execute(_ADD_VERIFY if verifies else _ADD, values)


def count_guess(tx: Executor, guess: Guess) -> list[StoredCode]:
    """Count a guess at every live code that it may use and that has guesses left; returns these codes."""
    values = {**vars(guess), "verify": str(guess.verify), "change": str(guess.change)}
    return tx.fetch_all(_COUNT, values, into=StoredCode)


def spend_changes(tx: Executor, user_id: UUID) -> None:
    """Invalidate every pending change of an identifier of an account."""
    tx.execute(_SPEND_CHANGES, {"user_id": user_id})


def last_was_used(tx: Executor, identifier: str, kind: TokenKind) -> bool:
    """Whether the newest code of this kind for an identifier was used."""
    return bool(tx.fetch_value(_LAST_WAS_USED, {"identifier": identifier, "kind": str(kind)}))


def spend(tx: Executor, token_id: UUID) -> bool:
    """Invalidate a code that is used; False when it was used or replaced meanwhile."""
    return tx.fetch_one(_SPEND, {"id": token_id}) is not None


_SPEND_VERIFY = (
    f"UPDATE identity.tokens SET spent_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE identifier = %(identifier)s AND kind = %(kind)s AND spent_at IS NULL"
)
_SPEND_CHANGE = (
    f"UPDATE identity.tokens SET spent_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE user_id = %(user_id)s AND kind = %(kind)s AND spent_at IS NULL"
)
_SPEND_CHANGES = (
    f"UPDATE identity.tokens SET spent_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE user_id = %(user_id)s AND kind IN ('change_email', 'change_phone') AND spent_at IS NULL"
)
_ADD = f"""
    INSERT INTO identity.tokens (id, user_id, session_id, kind, hash, identifier, created_at, expires_at)
    VALUES (%(id)s, cast(%(user_id)s AS uuid), cast(%(session_id)s AS uuid), %(kind)s, %(hash)s, %(identifier)s, {NOW},
           {NOW} + interval '{CODE_MINUTES} minutes')
    """  # noqa: S608 - only constants of this project
# The owner and a stranger are counted apart, so that they may ask at the same moment. Changes are made under a lock.
_ADD_VERIFY = f"""
    {_ADD}
    ON CONFLICT (identifier, kind) WHERE kind IN ('verify_email', 'verify_phone') AND spent_at IS NULL
    DO UPDATE SET id = excluded.id, user_id = excluded.user_id, hash = excluded.hash, attempts = 0,
                  created_at = excluded.created_at, expires_at = excluded.expires_at
    """
_COUNT = f"""
    UPDATE identity.tokens SET attempts = attempts + 1
     WHERE identifier = %(identifier)s AND spent_at IS NULL AND expires_at > {NOW} AND attempts < {MAX_GUESSES}
       AND (kind = %(verify)s AND (cast(%(user_id)s AS uuid) IS NULL OR user_id = %(user_id)s)
            OR kind = %(change)s AND user_id = cast(%(user_id)s AS uuid)
               AND session_id = cast(%(session_id)s AS uuid))
    RETURNING id, user_id, kind, hash
    """  # noqa: S608 - only constants of this project
_LAST_WAS_USED = """
    SELECT spent_at IS NOT NULL FROM identity.tokens WHERE identifier = %(identifier)s AND kind = %(kind)s
     ORDER BY created_at DESC, id DESC LIMIT 1
    """
_SPEND = f"UPDATE identity.tokens SET spent_at = {NOW} WHERE id = %(id)s AND spent_at IS NULL RETURNING 1"  # noqa: S608 - only constants of this project
