"""SQL of the notifications service; each function is one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from services.archived_rows import either
from services.clock import NOW as MOMENT
from services.db import Executor
from services.notifications.retry_policy import ClaimedMessage, StatusUpdate
from services.notifications.status import NotificationChannel
from services.old_rows import oldest
from services.pg_notify import NOTIFICATIONS

#: Days after which the recipient of a message that is no longer queued is deleted. Its row stays, and with it the key
#: that keeps the message from being sent again.
RECIPIENT_DAYS = 30
#: The notice to a person whose data was erased: its recipient is deleted as soon as it is sent.
LAST_NOTICE = "account_deleted"


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
    variables: bytes | None = field(repr=False)
    status: str
    error_message: str | None = None
    budget_subject: bytes | None = field(default=None, repr=False)
    budget_counted: bool = False


@dataclass(frozen=True)
class StoredNotification:
    """A stored message without its variables."""

    id: UUID
    status: str
    channel: str
    #: None once it is deleted
    recipient: bytes | None = field(repr=False)
    template: str
    created_at: datetime
    error_message: str | None


_COLUMNS = tuple(column.name for column in fields(EncryptedMessage))


def insert(tx: Executor, messages: Sequence[EncryptedMessage]) -> list[UUID]:
    """Insert the messages whose key is new and wake the dispatcher on commit; returns their ids."""
    # Sorted by key, so that two callers with the same messages cannot deadlock.
    ordered = sorted(messages, key=lambda message: message.key)
    values = {column: [getattr(message, column) for message in ordered] for column in _COLUMNS}
    return tx.fetch_column(_INSERT, values)


def claim(
    tx: Executor, channel: NotificationChannel, limit: int, lease: int, retry_period: int
) -> list[ClaimedMessage]:
    """Claim due messages, oldest first, for `lease` seconds; another dispatcher gets other messages.

    The attempt is counted here, before it is made: the count of a sender that died remains. A message older than
    `retry_period` seconds is marked as expired.
    """
    values = {"channel": channel, "limit": limit, "lease": lease, "retry_period": retry_period}
    rows = tx.fetch_all(_CLAIM, values)
    return sorted((_claimed_message(row) for row in rows), key=lambda message: (message.created_at, message.id))


def _claimed_message(row: Any) -> ClaimedMessage:
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


def update_statuses(tx: Executor, updates: Sequence[StatusUpdate]) -> int:
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
    }
    return len(tx.fetch_all(_UPDATE_STATUSES, values))


def find(tx: Executor, notification_id: UUID) -> StoredNotification | None:
    """One message without its variables."""
    return tx.fetch_one(_FIND, {"id": notification_id}, into=StoredNotification)


def of_order(tx: Executor, order_id: UUID, after: UUID | None, limit: int) -> list[StoredNotification]:
    """The messages about an order, oldest first, after an id."""
    return tx.fetch_all(_OF_ORDER, {"order_id": order_id, "after": after, "limit": limit}, into=StoredNotification)


def delete_recipients(tx: Executor, limit: int) -> int:
    """Delete the recipients of old messages; returns of how many."""
    return tx.execute(_DELETE_RECIPIENTS, {"limit": limit})


# Evaluated once per statement: all rows of a batch get the same time, and an index on it can be used.
NOW = f"(SELECT {MOMENT})"

_INSERT = f"""
    WITH put AS (
      INSERT INTO notifications.notifications AS n
             ({", ".join(_COLUMNS)}, due_at, created_at)
      SELECT m.*, {NOW}, {NOW}
        FROM unnest(cast(%(id)s as uuid[]), cast(%(key)s as text[]), cast(%(order_id)s as uuid[]),
                    cast(%(channel)s as text[]), cast(%(template)s as text[]), cast(%(language)s as text[]),
                    cast(%(recipient)s as bytea[]), cast(%(variables)s as bytea[]), cast(%(status)s as text[]),
                    cast(%(error_message)s as text[]), cast(%(budget_subject)s as bytea[]),
                    cast(%(budget_counted)s as boolean[])) AS m
      ON CONFLICT (key) DO NOTHING
      RETURNING n.id)
    SELECT put.id, pg_notify('{NOTIFICATIONS}', '') FROM put
    """  # noqa: S608 - only constants of this module
_CLAIM = f"""
    WITH due AS MATERIALIZED (
      SELECT id FROM notifications.notifications
       WHERE status = 'queued' AND channel = %(channel)s AND due_at <= {NOW}
       ORDER BY due_at, id LIMIT %(limit)s
         FOR UPDATE SKIP LOCKED)
    UPDATE notifications.notifications AS n
       SET due_at = {NOW} + make_interval(secs => %(lease)s), attempts = n.attempts + 1
      FROM due
     WHERE n.id = due.id
    RETURNING n.id, n.channel, n.template, n.language, n.recipient, n.variables, n.attempts, n.order_id,
              n.created_at, n.due_at, n.created_at < {NOW} - make_interval(secs => %(retry_period)s) AS expired
    """  # noqa: S608 - only constants of this module
_UPDATE_STATUSES = f"""
    UPDATE notifications.notifications AS n
       SET status = m.status,
           attempts = m.attempts,
           error_message = m.error,
           due_at = CASE WHEN m.status = 'queued' THEN {NOW} + make_interval(secs => m.delay) ELSE n.due_at END,
           variables = CASE WHEN m.status = 'queued' THEN n.variables END,
           recipient = CASE WHEN m.status = 'queued' OR n.template <> '{LAST_NOTICE}' THEN n.recipient END,
           budget_subject = CASE WHEN m.status = 'queued' OR n.template <> '{LAST_NOTICE}' THEN n.budget_subject END,
           sent_at = CASE WHEN m.status = 'sent' THEN {NOW} END
      FROM unnest(cast(%(id)s as uuid[]), cast(%(lease)s as timestamptz[]), cast(%(status)s as text[]),
                  cast(%(attempts)s as integer[]), cast(%(delay)s as double precision[]), cast(%(error)s as text[]))
           AS m(id, lease, status, attempts, delay, error)
     WHERE n.id = m.id AND n.status = 'queued' AND (n.due_at = m.lease OR m.status = 'sent')
    RETURNING n.id
    """  # noqa: S608 - only constants of this module
_OLD_RECIPIENTS = oldest(
    "notifications.notifications",
    "created_at",
    f"{RECIPIENT_DAYS} days",
    "status <> 'queued' AND recipient IS NOT NULL",
)
_DELETE_RECIPIENTS = (
    f"UPDATE notifications.notifications SET recipient = NULL, budget_subject = NULL WHERE {_OLD_RECIPIENTS}"  # noqa: S608 - constants
)
_STORED = "SELECT id, status, channel, recipient, template, created_at, error_message FROM notifications.notifications"
_FIND = either(f"{_STORED} WHERE id = %(id)s")
_OF_ORDER = either(
    f"{_STORED} WHERE order_id = %(order_id)s AND (cast(%(after)s AS uuid) IS NULL OR id > %(after)s)",
    "ORDER BY id LIMIT %(limit)s",
)
