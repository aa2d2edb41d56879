"""SQL of second factors and recovery codes; a code is used up by a guarded statement, so that one of two wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.clock import NOW
from services.db import Executor

#: Minutes in which a new secret can be confirmed.
ENROLMENT_MINUTES = 15


@dataclass(frozen=True)
class StoredSecret:
    """An encrypted secret, and the present time by the database's clock."""

    sealed: bytes = field(repr=False)
    at: datetime


def start(tx: Executor, user_id: UUID, sealed: bytes) -> bool:
    """Store a secret that replaces one that is not confirmed; False when the account has a second factor."""
    return tx.fetch_one(_START, {"user_id": user_id, "sealed": sealed}) is not None


def find_started(tx: Executor, user_id: UUID) -> StoredSecret | None:
    """The secret that the account may confirm now."""
    return tx.fetch_one(_FIND_STARTED, {"user_id": user_id}, into=StoredSecret)


def find(tx: Executor, user_id: UUID) -> StoredSecret | None:
    """The secret of the account's second factor."""
    return tx.fetch_one(_FIND, {"user_id": user_id}, into=StoredSecret)


def confirm(tx: Executor, user_id: UUID, step: int) -> None:
    """Turn the started secret into the second factor; the code of this time step is used."""
    tx.execute(_CONFIRM, {"user_id": user_id, "step": step})


def use_step(tx: Executor, user_id: UUID, step: int, sealed: bytes) -> bool:
    """Accept the code of a time step, and store the secret as it is encrypted now.

    False when a code of this step or a later one was accepted before.
    """
    return tx.fetch_one(_USE_STEP, {"user_id": user_id, "step": step, "sealed": sealed}) is not None


def add_recovery_codes(tx: Executor, user_id: UUID, hashes: Sequence[bytes]) -> None:
    """Store recovery codes by their hashes."""
    tx.execute(_ADD_CODES, {"user_id": user_id, "hashes": list(hashes)})


def use_recovery_code(tx: Executor, user_id: UUID, code_hash: bytes) -> bool:
    """Delete a recovery code; False when the account has no such code, or it was used."""
    return tx.fetch_one(_USE_CODE, {"user_id": user_id, "hash": code_hash}) is not None


def count_recovery_codes(tx: Executor, user_id: UUID) -> int:
    """How many recovery codes the account has left."""
    return int(tx.fetch_value(_COUNT_CODES, {"user_id": user_id}))


def remove(tx: Executor, user_id: UUID) -> bool:
    """Delete second factor, started enrolment and recovery codes; False when the account had no second factor."""
    removed = tx.fetch_one(_REMOVE, {"user_id": user_id})
    tx.execute(_REMOVE_CODES, {"user_id": user_id})
    return removed is not None and removed.confirmed_at is not None


_START = f"""
    INSERT INTO identity.second_factors AS f (user_id, sealed, created_at) VALUES (%(user_id)s, %(sealed)s, {NOW})
    ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at
     WHERE f.confirmed_at IS NULL
    RETURNING 1
    """  # noqa: S608 - only constants of this project
_FIND_STARTED = f"""
    SELECT sealed, {NOW} AS at FROM identity.second_factors
     WHERE user_id = %(user_id)s AND confirmed_at IS NULL
       AND created_at > {NOW} - interval '{ENROLMENT_MINUTES} minutes'
    """  # noqa: S608 - only constants of this project
_FIND = f"""
    SELECT sealed, {NOW} AS at FROM identity.second_factors WHERE user_id = %(user_id)s AND confirmed_at IS NOT NULL
    """  # noqa: S608 - only constants of this project
_CONFIRM = f"UPDATE identity.second_factors SET confirmed_at = {NOW}, last_step = %(step)s WHERE user_id = %(user_id)s"  # noqa: S608 - only constants of this project
_USE_STEP = """
    UPDATE identity.second_factors SET last_step = %(step)s, sealed = %(sealed)s
     WHERE user_id = %(user_id)s AND confirmed_at IS NOT NULL AND last_step < %(step)s
    RETURNING 1
    """
_ADD_CODES = f"""
    INSERT INTO identity.recovery_codes (user_id, hash, created_at)
    SELECT %(user_id)s, hash, {NOW} FROM unnest(cast(%(hashes)s AS bytea[])) AS hash
    """  # noqa: S608 - only constants of this project
_USE_CODE = "DELETE FROM identity.recovery_codes WHERE user_id = %(user_id)s AND hash = %(hash)s RETURNING 1"
_COUNT_CODES = "SELECT count(*) FROM identity.recovery_codes WHERE user_id = %(user_id)s"
_REMOVE = "DELETE FROM identity.second_factors WHERE user_id = %(user_id)s RETURNING confirmed_at"
_REMOVE_CODES = "DELETE FROM identity.recovery_codes WHERE user_id = %(user_id)s"
