"""Notifications in SQL: one statement a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW as MOMENT
from services.clock import Clock
from services.notifications.retry_policy import ClaimedMessage, StatusUpdate
from services.notifications.status import Channel
from services.pg_notify import NOTIFICATIONS


@dataclass(frozen=True)
class EncryptedMessage:
    """A message as it is stored."""

    id: UUID
    key: str
    order_id: UUID | None
    channel: str
    template: str
    language: str
    recipient: bytes = field(repr=False)
    variables: bytes = field(repr=False)


_COLUMNS = ("id", "key", "order_id", "channel", "template", "language", "recipient", "variables")


def insert(session: Session, messages: Sequence[EncryptedMessage], clock: Clock) -> list[UUID]:
    """Write those whose key is new and wake the dispatcher when the transaction commits; returns their ids."""
    # in the order of keys, so that two callers with the same messages wait for each other and never in a circle
    ordered = sorted(messages, key=lambda message: message.key)
    values = {column: [getattr(message, column) for message in ordered] for column in _COLUMNS}
    return list(session.execute(_INSERT, {**values, "now": clock.override()}).scalars())


def claim(
    session: Session, channel: Channel, limit: int, lease: int, retry_period: int, clock: Clock
) -> list[ClaimedMessage]:
    """Take due messages, oldest first, for `lease` seconds; whoever else asks meanwhile gets others.

    The attempt is counted here, before it is made: a sender that dies leaves its count behind.
    `retry_period` in seconds.
    """
    values = {"channel": channel, "limit": limit, "lease": lease, "patience": retry_period, "now": clock.override()}
    rows = session.execute(_CLAIM, values).all()
    return sorted((_claimed(row) for row in rows), key=lambda claimed: (claimed.created_at, claimed.id))


def _claimed(row: Row[Any]) -> ClaimedMessage:
    return ClaimedMessage(
        id=row.id,
        channel=Channel(row.channel),
        template=row.template,
        language=row.language,
        recipient=bytes(row.recipient),
        variables=bytes(row.variables),
        attempts=row.attempts,
        order_id=row.order_id,
        created_at=row.created_at,
        lease=row.due_at,
        stale=row.stale,
    )


def mark(session: Session, marks: Sequence[StatusUpdate], clock: Clock) -> int:
    """Write what became of claimed messages; returns how many were ours to mark.

    When the lease ended meanwhile, somebody else has the message: then only "sent" still counts, as nobody sent more.
    """
    values = {
        "id": [mark.id for mark in marks],
        "lease": [mark.lease for mark in marks],
        "status": [str(mark.status) for mark in marks],
        "attempts": [mark.attempts for mark in marks],
        "delay": [mark.delay for mark in marks],
        "error": [mark.error for mark in marks],
        "now": clock.override(),
    }
    return len(session.execute(_MARK, values).all())


def seconds_until_due(session: Session, channels: Sequence[Channel], clock: Clock) -> float | None:
    """Seconds until the earliest queued message of these channels is due (0: now), None when there is none."""
    values = {"channels": [str(channel) for channel in channels], "now": clock.override()}
    seconds = session.execute(_DUE, values).scalar_one()
    return None if seconds is None else max(0.0, float(seconds))


def find(session: Session, notification_id: UUID) -> Row[Any] | None:
    """The message's row without what it says."""
    return session.execute(_FIND, {"id": notification_id}).one_or_none()


# One moment for the whole statement: a batch keeps its order, and an index on it can be used.
NOW = f"(SELECT {MOMENT})"

_INSERT = text(
    f"""
    WITH put AS (
      INSERT INTO notifications.notifications AS n
             (id, key, order_id, channel, template, language, recipient, variables, status, due_at, created_at)
      SELECT m.*, 'queued', {NOW}, {NOW}
        FROM unnest(cast(:id as uuid[]), cast(:key as text[]), cast(:order_id as uuid[]), cast(:channel as text[]),
                    cast(:template as text[]), cast(:language as text[]), cast(:recipient as bytea[]),
                    cast(:variables as bytea[])) AS m
      ON CONFLICT (key) DO NOTHING
      RETURNING n.id)
    SELECT put.id, pg_notify('{NOTIFICATIONS}', '') FROM put
    """  # noqa: S608 - constants
)
_CLAIM = text(
    f"""
    WITH due AS MATERIALIZED (
      SELECT id FROM notifications.notifications
       WHERE status = 'queued' AND channel = :channel AND due_at <= {NOW}
       ORDER BY due_at, id LIMIT :limit
         FOR UPDATE SKIP LOCKED)
    UPDATE notifications.notifications AS n
       SET due_at = {NOW} + make_interval(secs => :lease), attempts = n.attempts + 1
      FROM due
     WHERE n.id = due.id
    RETURNING n.id, n.channel, n.template, n.language, n.recipient, n.variables, n.attempts, n.order_id,
              n.created_at, n.due_at, n.created_at < {NOW} - make_interval(secs => :patience) AS stale
    """  # noqa: S608 - constants
)
_MARK = text(
    f"""
    UPDATE notifications.notifications AS n
       SET status = m.status,
           attempts = m.attempts,
           error_message = m.error,
           due_at = CASE WHEN m.status = 'queued' THEN {NOW} + make_interval(secs => m.delay) ELSE n.due_at END,
           variables = CASE WHEN m.status = 'queued' THEN n.variables END,
           sent_at = CASE WHEN m.status = 'sent' THEN {NOW} END
      FROM unnest(cast(:id as uuid[]), cast(:lease as timestamptz[]), cast(:status as text[]),
                  cast(:attempts as integer[]), cast(:delay as double precision[]), cast(:error as text[]))
           AS m(id, lease, status, attempts, delay, error)
     WHERE n.id = m.id AND n.status = 'queued' AND (n.due_at = m.lease OR m.status = 'sent')
    RETURNING n.id
    """  # noqa: S608 - constants
)
_DUE = text(
    f"""
    SELECT extract(epoch FROM min(due_at) - {NOW}) FROM notifications.notifications
     WHERE status = 'queued' AND channel = ANY(:channels)
    """  # noqa: S608 - constants
)
_FIND = text(
    """
    SELECT id, status, channel, recipient, template, created_at, error_message
      FROM notifications.notifications WHERE id = :id
    """
)
