"""SQL of the outbox: commands for Temporal, and events whose notifications are not queued."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.pg_notify import OUTBOX


def command(session: Session, order_id: UUID, name: str, key: str, arguments: Mapping[str, Any]) -> None:
    """Write a command for Temporal; once a key."""
    session.execute(_COMMAND, {"id": order_id, "name": name, "key": key, "arguments": json.dumps(dict(arguments))})


def claim_commands(session: Session, limit: int, lease_seconds: float) -> Sequence[Row[Any]]:
    """Lease the oldest undone command of each order, as far as it is due."""
    return session.execute(_CLAIM_COMMANDS, {"limit": limit, "lease": lease_seconds}).all()


def finish_commands(session: Session, outcomes: Mapping[int, str]) -> None:
    """Mark delivered commands with what became of them."""
    session.execute(_FINISH_COMMANDS, {"ids": list(outcomes), "outcomes": list(outcomes.values())})


def return_commands(session: Session, command_ids: Sequence[int], seconds: float) -> None:
    """End the lease of commands early."""
    session.execute(_RETURN_COMMANDS, {"ids": list(command_ids), "seconds": seconds})


def pending_notifications(session: Session, limit: int) -> Sequence[Row[Any]]:
    """Events whose messages are not queued, oldest first."""
    return session.execute(_PENDING_NOTIFICATIONS, {"limit": limit}).all()


def mark_notified(session: Session, event_ids: Sequence[int]) -> None:
    """Their messages are queued."""
    session.execute(text("UPDATE orders.events SET notified_at = now() WHERE id = ANY(:ids)"), {"ids": list(event_ids)})


_COMMAND = text(
    f"""
    WITH commanded AS (
        INSERT INTO orders.outbox (order_id, name, key, arguments)
        VALUES (:id, :name, :key, cast(:arguments AS jsonb))
        ON CONFLICT (order_id, key) DO NOTHING
        RETURNING id
    )
    SELECT pg_notify('{OUTBOX}', '') FROM commanded
    """  # noqa: S608 - constants of this program
)

# Only the head of each order's queue may be taken, and only when it is due: order by order, oldest first.
_CLAIM_COMMANDS = text(
    """
    WITH heads AS (
        SELECT DISTINCT ON (order_id) id, due_at FROM orders.outbox
         WHERE done_at IS NULL
         ORDER BY order_id, id
    ), due AS (
        SELECT b.id FROM orders.outbox b JOIN heads h USING (id)
         WHERE h.due_at <= now() AND b.done_at IS NULL AND b.due_at <= now()
         ORDER BY b.id LIMIT :limit
           FOR UPDATE OF b SKIP LOCKED
    )
    UPDATE orders.outbox b
       SET due_at = now() + make_interval(secs => :lease), attempts = b.attempts + 1
      FROM due, orders.orders o
     WHERE b.id = due.id AND o.id = b.order_id
    RETURNING b.id, b.order_id, b.name, b.arguments, o.start_input, o.status, o.paid_by
    """
)
_FINISH_COMMANDS = text(
    """
    UPDATE orders.outbox b SET done_at = now(), outcome = f.outcome
      FROM unnest(cast(:ids AS bigint[]), cast(:outcomes AS text[])) AS f(id, outcome)
     WHERE b.id = f.id AND b.done_at IS NULL
    """
)

_RETURN_COMMANDS = text(
    "UPDATE orders.outbox SET due_at = now() + make_interval(secs => :seconds) WHERE id = ANY(:ids) AND done_at IS NULL"
)

_PENDING_NOTIFICATIONS = text(
    """
    SELECT e.id, e.order_id, o.buyer_id, e.type, o.language, o.total_minor, o.currency, e.amount_minor,
           o.cancel_reason, o.contact,
           CASE WHEN EXISTS (SELECT FROM orders.events f
                              WHERE f.order_id = e.order_id AND f.type = e.type AND f.id < e.id)
                THEN e.key END AS again
      FROM orders.events e JOIN orders.orders o ON o.id = e.order_id
     WHERE e.notified_at IS NULL
     ORDER BY e.id LIMIT :limit
    """
)
