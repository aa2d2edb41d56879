"""SQL of the notifications service; each function is one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW as MOMENT
from services.clock import Clock
from services.notifications.retry_policy import ClaimedMessage, StatusUpdate
from services.notifications.status import NotificationChannel
from services.pg_notify import NOTIFICATIONS


@dataclass(frozen=True)
class EncryptedMessage:
    """A message as it is stored: recipient and variables are encrypted."""

    id: UUID
    key: str
    order_id: UUID | None
    channel: str
    template: str
    language: str
    recipient: bytes = field(repr=False)
    variables: bytes = field(repr=False)


@dataclass(frozen=True)
class StoredNotification:
    """A stored message without its variables."""

    id: UUID
    status: str
    channel: str
    recipient: bytes = field(repr=False)
    template: str
    created_at: datetime
    error_message: str | None


_COLUMNS = ("id", "key", "order_id", "channel", "template", "language", "recipient", "variables")


def insert(session: Session, messages: Sequence[EncryptedMessage], clock: Clock) -> list[UUID]:
    """Insert the messages whose key is new and wake the dispatcher on commit; returns their ids."""
    # Sorted by key, so that two callers with the same messages cannot deadlock.
    ordered = sorted(messages, key=lambda message: message.key)
    values = {column: [getattr(message, column) for message in ordered] for column in _COLUMNS}
    return list(session.execute(_INSERT, {**values, "now": clock.override()}).scalars())


def claim(
    session: Session, channel: NotificationChannel, limit: int, lease: int, retry_period: int, clock: Clock
) -> list[ClaimedMessage]:
    """Claim due messages, oldest first, for `lease` seconds; another dispatcher gets other messages.

    The attempt is counted here, before it is made: the count of a sender that died remains. A message older than
    `retry_period` seconds is marked as expired.
    """
    values = {"channel": channel, "limit": limit, "lease": lease, "retry_period": retry_period, "now": clock.override()}
    rows = session.execute(_CLAIM, values).all()
    return sorted((_claimed_message(row) for row in rows), key=lambda message: (message.created_at, message.id))


def _claimed_message(row: Row[Any]) -> ClaimedMessage:
    return ClaimedMessage(
        id=row.id,
        channel=NotificationChannel(row.channel),
        template=row.template,
        language=row.language,
        recipient=bytes(row.recipient),
        variables=bytes(row.variables),
        attempts=row.attempts,
        order_id=row.order_id,
        created_at=row.created_at,
        lease=row.due_at,
        expired=row.expired,
    )


def update_statuses(session: Session, updates: Sequence[StatusUpdate], clock: Clock) -> int:
    """Write the new states of claimed messages; returns how many were written.

    When a lease has ended, another dispatcher may hold the message; then only the status "sent" is written.
    """
    values = {
        "id": [update.id for update in updates],
        "lease": [update.lease for update in updates],
        "status": [str(update.status) for update in updates],
        "attempts": [update.attempts for update in updates],
        "delay": [update.delay for update in updates],
        "error": [update.error for update in updates],
        "now": clock.override(),
    }
    return len(session.execute(_UPDATE_STATUSES, values).all())


def find(session: Session, notification_id: UUID) -> StoredNotification | None:
    """One message without its variables."""
    row = session.execute(_FIND, {"id": notification_id}).one_or_none()
    return StoredNotification(**row._mapping) if row is not None else None


# Evaluated once per statement: all rows of a batch get the same time, and an index on it can be used.
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
    """  # noqa: S608 - only constants of this module
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
              n.created_at, n.due_at, n.created_at < {NOW} - make_interval(secs => :retry_period) AS expired
    """  # noqa: S608 - only constants of this module
)
_UPDATE_STATUSES = text(
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
    """  # noqa: S608 - only constants of this module
)
_FIND = text(
    """
    SELECT id, status, channel, recipient, template, created_at, error_message
      FROM notifications.notifications WHERE id = :id
    """
)
