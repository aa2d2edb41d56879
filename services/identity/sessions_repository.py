"""SQL of sessions and refresh tokens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.session_roles import ROLE_OF_SESSION
from services.identity.status import Role, SessionEnd
from services.identity.views import SessionView

#: Days after which a session ends in any case, and after which an unused refresh token expires.
SESSION_DAYS = 30
IDLE_DAYS = 14
#: Most live sessions of one account; a further one ends the least recently used.
MAX_SESSIONS = 10
#: Seconds in which a rotated token returns the same pair again: two tabs of a browser refresh at once.
GRACE_SECONDS = 10
#: Seconds in which a refresh whose answer was lost can be repeated with its Idempotency-Key.
REPEATABLE_SECONDS = 60


@dataclass(frozen=True)
class NewSession:
    """A session to open; `seen_hash` is the password hash that was checked, `client` its name (`client_names`).

    `second_factor`: a code was accepted as well, without which a session has the role buyer.
    """

    user_id: UUID
    seen_hash: str = field(repr=False)
    client: str
    session_id: UUID
    token_id: UUID
    token_hash: bytes = field(repr=False)
    second_factor: bool = False


@dataclass(frozen=True)
class OpenedSession:
    """Role and time of a new session; `new_client`: not the account's first, and none in 30 days from this client."""

    role: str
    at: datetime
    new_client: bool


@dataclass(frozen=True)
class Rotation:
    """A refresh token to replace, by the hashes of the old and the new token, and the id of the new one.

    `key_hash` is the keyed hash of the request's Idempotency-Key, None without one.
    """

    old_hash: bytes = field(repr=False)
    new_hash: bytes = field(repr=False)
    new_id: UUID
    key_hash: bytes | None = field(repr=False)


@dataclass(frozen=True)
class RotatedSession:
    """The session of a rotated token; `id` and `made_at` are those of the new token."""

    user_id: UUID
    session_id: UUID
    role: str
    id: UUID
    made_at: datetime


@dataclass(frozen=True)
class EndedSession:
    """A session that was ended, and its account."""

    id: UUID
    user_id: UUID


def open_session(tx: Executor, new: NewSession) -> OpenedSession | None:
    """Insert session and refresh token, and end a surplus session; None when the account or password changed.

    None too when the account has a second factor by now and no code of it was accepted.
    """
    row = tx.fetch_one(_OPEN, {**vars(new)})
    if row is None:
        return None
    tx.execute(_END_SURPLUS, {"user_id": new.user_id})
    return OpenedSession(**row._asdict())


def rotate(tx: Executor, rotation: Rotation) -> RotatedSession | None:
    """Spend the live token of a live session and insert its successor; None when there is no such token."""
    return tx.fetch_one(_ROTATE, {**vars(rotation)}, into=RotatedSession)


def find_repeated(tx: Executor, rotation: Rotation) -> RotatedSession | None:
    """The result of this rotation less than 10 s ago; less than 60 s with its key, while the successor is unused."""
    return tx.fetch_one(_REPEATED, {**vars(rotation)}, into=RotatedSession)


def end_reused(tx: Executor, token_hash: bytes) -> EndedSession | None:
    """End the live session of a token that was rotated before; None when there is no such token."""
    return tx.fetch_one(_END_REUSED, {"old_hash": token_hash}, into=EndedSession)


def end_by_token(tx: Executor, token_hash: bytes) -> UUID | None:
    """End the session of a refresh token, whether that token is live or was rotated; None when it had ended."""
    session_id: UUID | None = tx.fetch_value(_END_BY_TOKEN, {"old_hash": token_hash})
    return session_id


def end_own(tx: Executor, user_id: UUID, session_id: UUID) -> bool:
    """End a session of this account; False when it has no such live session."""
    values = {"user_id": user_id, "session_id": session_id, "reason": SessionEnd.ENDED_BY_USER}
    return tx.fetch_one(_END_OWN, values) is not None


def end_sessions(tx: Executor, user_id: UUID, reason: str, keep: UUID | None = None) -> int:
    """End every live session of an account except `keep`; returns how many."""
    values = {"user_id": user_id, "reason": reason, "keep": keep}
    return len(tx.fetch_all(_END_ALL, values))


def find_live_role(tx: Executor, session_id: UUID, user_id: UUID) -> str | None:
    """The role of this live session of an active user. Runs on every request: one statement on two primary keys."""
    role: str | None = tx.fetch_value(_LIVE_ROLE, {"session_id": session_id, "user_id": user_id})
    return role


def live_among(tx: Executor, session_ids: Collection[UUID]) -> set[UUID]:
    """Those of the sessions that are live and of an active user, as `find_live_role` sees them."""
    return {row.id for row in tx.fetch_all(_LIVE_AMONG, {"session_ids": list(session_ids)})}


def count_live(tx: Executor, user_id: UUID) -> int:
    """The number of live sessions of an account."""
    return int(tx.fetch_value(_COUNT_LIVE, {"user_id": user_id}))


def list_live(
    tx: Executor, user_id: UUID, current: UUID | None, after: UUID | None, limit: int
) -> Sequence[SessionView]:
    """The live sessions of an account, newest first, after the id `after`; `current` is the caller's own."""
    values = {"user_id": user_id, "after": after, "limit": limit}
    return [SessionView(**row._asdict(), current=row.id == current) for row in tx.fetch_all(_LIST, values)]


# A session is live until it is ended, for at most 30 days, and for at most 14 days without a refresh.
_LIVE = f"s.ended_at IS NULL AND s.expires_at > {NOW} AND s.last_used_at > {NOW} - interval '{IDLE_DAYS} days'"
# An account of 30 days counts as one that had sessions: they may be deleted by now (`retention_repository`).
# The lock serialises logins of one account with disabling it, so that no session is opened after the account is
# disabled.
_OPEN = f"""
    WITH owner AS (
        SELECT u.id, CASE WHEN %(second_factor)s THEN u.role ELSE '{Role.BUYER}' END AS role, u.created_at, {NOW} AS at
          FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
         WHERE u.id = %(user_id)s AND u.is_active AND c.hash = %(seen_hash)s
           AND (%(second_factor)s OR NOT EXISTS (
                SELECT FROM identity.second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL))
           FOR NO KEY UPDATE
    ), opened AS (
        INSERT INTO identity.sessions (id, user_id, client, role, created_at, last_used_at, expires_at)
        SELECT %(session_id)s, id, cast(%(client)s AS text), role, at, at, at + interval '{SESSION_DAYS} days'
          FROM owner
    ), token AS (
        INSERT INTO identity.tokens (id, user_id, session_id, kind, hash, created_at, expires_at)
        SELECT %(token_id)s, id, %(session_id)s, 'refresh', %(token_hash)s, at, at + interval '{IDLE_DAYS} days'
          FROM owner
    )
    SELECT role, at,
           (owner.created_at < {NOW} - interval '{SESSION_DAYS} days'
            OR EXISTS (SELECT 1 FROM identity.sessions s WHERE s.user_id = %(user_id)s))
           AND NOT EXISTS (SELECT 1 FROM identity.sessions s
                            WHERE s.user_id = %(user_id)s AND s.client IS NOT DISTINCT FROM cast(%(client)s AS text)
                              AND s.last_used_at > {NOW} - interval '{SESSION_DAYS} days') AS new_client
      FROM owner
    """  # noqa: S608 - only constants of this project
# A separate statement after the lock: it sees the sessions that others opened while this one waited.
_END_SURPLUS = f"""
    UPDATE identity.sessions SET ended_at = {NOW}, end_reason = '{SessionEnd.TOO_MANY}'
     WHERE id IN (SELECT s.id FROM identity.sessions s WHERE s.user_id = %(user_id)s AND {_LIVE}
                   ORDER BY s.last_used_at DESC, s.id DESC OFFSET {MAX_SESSIONS})
    """  # noqa: S608 - only constants of this project
# One guarded update: of many parallel ones, exactly one finds the token unspent.
_ROTATE = f"""
    WITH spent AS (
        UPDATE identity.tokens t SET spent_at = {NOW}, key_hash = cast(%(key_hash)s AS bytea)
          FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
         WHERE t.kind = 'refresh' AND t.hash = %(old_hash)s AND t.spent_at IS NULL AND t.expires_at > {NOW}
           AND s.id = t.session_id AND {_LIVE} AND u.is_active
        RETURNING t.user_id, t.session_id, s.expires_at, {ROLE_OF_SESSION}
    ), used AS (
        UPDATE identity.sessions SET last_used_at = {NOW} WHERE id = (SELECT session_id FROM spent)
    ), made AS (
        INSERT INTO identity.tokens (id, user_id, session_id, kind, hash, created_at, expires_at)
        SELECT %(new_id)s, user_id, session_id, 'refresh', %(new_hash)s, {NOW},
               least({NOW} + interval '{IDLE_DAYS} days', expires_at)
          FROM spent
        RETURNING id, created_at
    )
    SELECT spent.user_id, spent.session_id, spent.role, made.id, made.created_at AS made_at FROM spent, made
    """  # noqa: S608 - only constants of this project
_REPEATED = f"""
    SELECT t.user_id, t.session_id, {ROLE_OF_SESSION}, n.id, n.created_at AS made_at
      FROM identity.tokens t
      JOIN identity.tokens n ON n.kind = 'refresh' AND n.hash = %(new_hash)s AND n.session_id = t.session_id
      JOIN identity.sessions s ON s.id = t.session_id
      JOIN identity.users u ON u.id = t.user_id
     WHERE t.kind = 'refresh' AND t.hash = %(old_hash)s AND {_LIVE} AND u.is_active
       AND (t.spent_at > {NOW} - interval '{GRACE_SECONDS} seconds'
            OR (t.spent_at > {NOW} - interval '{REPEATABLE_SECONDS} seconds' AND n.spent_at IS NULL
                AND t.key_hash = cast(%(key_hash)s AS bytea)))
    """  # noqa: S608 - only constants of this project
_END_REUSED = f"""
    UPDATE identity.sessions s SET ended_at = {NOW}, end_reason = '{SessionEnd.TOKEN_REUSED}'
      FROM identity.tokens t
     WHERE t.kind = 'refresh' AND t.hash = %(old_hash)s AND t.spent_at IS NOT NULL
       AND s.id = t.session_id AND s.ended_at IS NULL
    RETURNING s.id, s.user_id
    """  # noqa: S608 - only constants of this project
_END_BY_TOKEN = f"""
    UPDATE identity.sessions s SET ended_at = {NOW}, end_reason = '{SessionEnd.LOGOUT}'
      FROM identity.tokens t
     WHERE t.kind = 'refresh' AND t.hash = %(old_hash)s AND s.id = t.session_id AND s.ended_at IS NULL
    RETURNING s.id
    """  # noqa: S608 - only constants of this project
_END_OWN = f"""
    UPDATE identity.sessions s SET ended_at = {NOW}, end_reason = %(reason)s
     WHERE s.id = %(session_id)s AND s.user_id = %(user_id)s AND {_LIVE}
    RETURNING 1
    """  # noqa: S608 - only constants of this project
_END_ALL = (
    f"UPDATE identity.sessions SET ended_at = {NOW}, end_reason = %(reason)s"  # noqa: S608 - only constants of this project
    " WHERE user_id = %(user_id)s AND ended_at IS NULL AND id IS DISTINCT FROM cast(%(keep)s AS uuid) RETURNING 1"
)
_LIVE_ROLE = f"""
    SELECT {ROLE_OF_SESSION}
      FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
     WHERE s.id = %(session_id)s AND s.user_id = %(user_id)s
       AND s.ended_at IS NULL AND s.expires_at > {NOW} AND u.is_active
    """  # noqa: S608 - only constants of this project
_LIVE_AMONG = f"""
    SELECT s.id
      FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
     WHERE s.id = ANY(%(session_ids)s) AND s.ended_at IS NULL AND s.expires_at > {NOW} AND u.is_active
    """  # noqa: S608 - only constants of this project
_COUNT_LIVE = f"SELECT count(*) FROM identity.sessions s WHERE s.user_id = %(user_id)s AND {_LIVE}"  # noqa: S608 - only constants of this project
_LIST = f"""
    SELECT s.id, s.client, s.created_at, s.last_used_at,
           least(s.expires_at, s.last_used_at + interval '{IDLE_DAYS} days') AS expires_at
      FROM identity.sessions s
     WHERE s.user_id = %(user_id)s AND (cast(%(after)s AS uuid) IS NULL OR s.id < cast(%(after)s AS uuid)) AND {_LIVE}
     ORDER BY s.id DESC
     LIMIT %(limit)s
    """  # noqa: S608 - only constants of this project
