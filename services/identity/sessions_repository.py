"""Sessions and refresh tokens in SQL: opened, rotated, looked up on every request, listed, ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW
from services.identity.status import SessionEnd

#: Days after which a session ends whatever happens, and after which an unused refresh token does.
SESSION_DAYS = 30
IDLE_DAYS = 14
#: Live sessions of one account; the next one ends the least recently used.
MAX_SESSIONS = 10
#: Seconds in which a refresh whose answer was lost can be repeated.
REPEATABLE_SECONDS = 60


def open_session(session: Session, values: dict[str, Any]) -> Row[Any] | None:
    """Write session and refresh token, unless the account or its password changed meanwhile: `role, at, news`.

    `news`: the account had sessions before, and none in the last 30 days from this client. Ends what is one too many.
    """
    opened = session.execute(_OPEN, values).one_or_none()
    if opened is not None:
        session.execute(_END_SURPLUS, {"user_id": values["user_id"], "now": values["now"]})
    return opened


def rotate(session: Session, values: dict[str, Any]) -> Row[Any] | None:
    """Spend the live token of a live session and write its successor; `user_id, session_id, role, id, made_at`."""
    return session.execute(_ROTATE, values).one_or_none()


def find_repeated(session: Session, values: dict[str, Any]) -> Row[Any] | None:
    """What `rotate` returned a moment ago for the same two tokens, while the successor is unused."""
    return session.execute(_REPEATED, values).one_or_none()


def end_reused(session: Session, token_hash: bytes, now: datetime | None) -> Row[Any] | None:
    """End the live session of a token that was rotated before; `id, user_id`, None when it is no such token."""
    return session.execute(_END_REUSED, {"old_hash": token_hash, "now": now}).one_or_none()


def end_by_token(session: Session, token_hash: bytes, now: datetime | None) -> Row[Any] | None:
    """End the session of a refresh token, the live one or an earlier one of its own; `id, user_id`."""
    return session.execute(_END_BY_TOKEN, {"old_hash": token_hash, "now": now}).one_or_none()


def end_own(session: Session, user_id: UUID, session_id: UUID, now: datetime | None) -> bool:
    """End a session of this account; False when it has no such live one."""
    values = {"user_id": user_id, "session_id": session_id, "reason": SessionEnd.ENDED_BY_USER, "now": now}
    return session.execute(_END_OWN, values).one_or_none() is not None


def end_sessions(session: Session, user_id: UUID, reason: str, now: datetime | None, keep: UUID | None = None) -> int:
    """End every live session of an account but `keep`; returns how many."""
    values = {"user_id": user_id, "reason": reason, "keep": keep, "now": now}
    return len(session.execute(_END_ALL, values).all())


def find_live_role(session: Session, session_id: UUID, user_id: UUID, now: datetime | None) -> str | None:
    """The role of an active user whose session lives; two primary keys, one statement, for every request."""
    role: str | None = session.execute(
        _LIVE_ROLE, {"session_id": session_id, "user_id": user_id, "now": now}
    ).scalar_one_or_none()
    return role


def list_live(session: Session, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """`id, client, created_at, last_used_at, expires_at`, newest first, behind `after`."""
    return session.execute(_LIST, values).all()


# A session lives until it is ended, for 30 days, and for 14 days without a refresh.
_LIVE = f"s.ended_at IS NULL AND s.expires_at > {NOW} AND s.last_used_at > {NOW} - interval '{IDLE_DAYS} days'"
# The lock makes logins of one account, and the disabling of it, take turns: no session outlives the switch.
_OPEN = text(
    f"""
    WITH owner AS (
        SELECT u.id, u.role
          FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
         WHERE u.id = :user_id AND u.is_active AND c.hash = :seen_hash
           FOR NO KEY UPDATE
    ), opened AS (
        INSERT INTO identity.sessions (id, user_id, client, created_at, last_used_at, expires_at)
        SELECT :session_id, id, cast(:client AS text), {NOW}, {NOW}, {NOW} + interval '{SESSION_DAYS} days' FROM owner
    ), token AS (
        INSERT INTO identity.tokens (id, user_id, session_id, kind, hash, created_at, expires_at)
        SELECT :token_id, id, :session_id, 'refresh', :token_hash, {NOW}, {NOW} + interval '{IDLE_DAYS} days' FROM owner
    )
    SELECT role, {NOW} AS at,
           EXISTS (SELECT 1 FROM identity.sessions s WHERE s.user_id = :user_id)
           AND NOT EXISTS (SELECT 1 FROM identity.sessions s
                            WHERE s.user_id = :user_id AND s.client IS NOT DISTINCT FROM cast(:client AS text)
                              AND s.last_used_at > {NOW} - interval '{SESSION_DAYS} days') AS news
      FROM owner
    """  # noqa: S608 - constants of this module
)
# A statement of its own, after the lock: it sees what others opened while this one waited.
_END_SURPLUS = text(
    f"""
    UPDATE identity.sessions SET ended_at = {NOW}, end_reason = '{SessionEnd.TOO_MANY}'
     WHERE id IN (SELECT s.id FROM identity.sessions s WHERE s.user_id = :user_id AND {_LIVE}
                   ORDER BY s.last_used_at DESC, s.id DESC OFFSET {MAX_SESSIONS})
    """  # noqa: S608
)
# One guarded update: of many at once, exactly one finds the token unspent.
_ROTATE = text(
    f"""
    WITH spent AS (
        UPDATE identity.tokens t SET spent_at = {NOW}
          FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
         WHERE t.kind = 'refresh' AND t.hash = :old_hash AND t.spent_at IS NULL AND t.expires_at > {NOW}
           AND s.id = t.session_id AND {_LIVE} AND u.is_active
        RETURNING t.user_id, t.session_id, s.expires_at, u.role
    ), used AS (
        UPDATE identity.sessions SET last_used_at = {NOW} WHERE id = (SELECT session_id FROM spent)
    ), made AS (
        INSERT INTO identity.tokens (id, user_id, session_id, kind, hash, created_at, expires_at)
        SELECT :new_id, user_id, session_id, 'refresh', :new_hash, {NOW},
               least({NOW} + interval '{IDLE_DAYS} days', expires_at)
          FROM spent
        RETURNING id, created_at
    )
    SELECT spent.user_id, spent.session_id, spent.role, made.id, made.created_at AS made_at FROM spent, made
    """  # noqa: S608
)
_REPEATED = text(
    f"""
    SELECT t.user_id, t.session_id, u.role, n.id, n.created_at AS made_at
      FROM identity.tokens t
      JOIN identity.tokens n ON n.kind = 'refresh' AND n.hash = :new_hash AND n.session_id = t.session_id
      JOIN identity.sessions s ON s.id = t.session_id
      JOIN identity.users u ON u.id = t.user_id
     WHERE t.kind = 'refresh' AND t.hash = :old_hash AND t.spent_at > {NOW} - interval '{REPEATABLE_SECONDS} seconds'
       AND n.spent_at IS NULL AND {_LIVE} AND u.is_active
    """  # noqa: S608
)
_END_REUSED = text(
    f"""
    UPDATE identity.sessions s SET ended_at = {NOW}, end_reason = '{SessionEnd.TOKEN_REUSED}'
      FROM identity.tokens t
     WHERE t.kind = 'refresh' AND t.hash = :old_hash AND t.spent_at IS NOT NULL
       AND s.id = t.session_id AND s.ended_at IS NULL
    RETURNING s.id, s.user_id
    """  # noqa: S608
)
_END_BY_TOKEN = text(
    f"""
    UPDATE identity.sessions s SET ended_at = {NOW}, end_reason = '{SessionEnd.LOGOUT}'
      FROM identity.tokens t
     WHERE t.kind = 'refresh' AND t.hash = :old_hash AND s.id = t.session_id AND s.ended_at IS NULL
    RETURNING s.id, s.user_id
    """  # noqa: S608
)
_END_OWN = text(
    f"""
    UPDATE identity.sessions s SET ended_at = {NOW}, end_reason = :reason
     WHERE s.id = :session_id AND s.user_id = :user_id AND {_LIVE}
    RETURNING 1
    """  # noqa: S608
)
_END_ALL = text(
    f"UPDATE identity.sessions SET ended_at = {NOW}, end_reason = :reason"  # noqa: S608
    " WHERE user_id = :user_id AND ended_at IS NULL AND id IS DISTINCT FROM cast(:keep AS uuid) RETURNING 1"
)
_LIVE_ROLE = text(
    f"""
    SELECT u.role
      FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
     WHERE s.id = :session_id AND s.user_id = :user_id
       AND s.ended_at IS NULL AND s.expires_at > {NOW} AND u.is_active
    """  # noqa: S608
)
_LIST = text(
    f"""
    SELECT s.id, s.client, s.created_at, s.last_used_at,
           least(s.expires_at, s.last_used_at + interval '{IDLE_DAYS} days') AS expires_at
      FROM identity.sessions s
     WHERE s.user_id = :user_id AND (cast(:after AS uuid) IS NULL OR s.id < cast(:after AS uuid)) AND {_LIVE}
     ORDER BY s.id DESC
     LIMIT :limit
    """  # noqa: S608
)
