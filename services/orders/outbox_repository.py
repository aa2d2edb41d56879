"""SQL of the outbox: commands for Temporal, and events whose notifications are not queued."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.db import Executor
from services.pg_notify import OUTBOX


def command(tx: Executor, order_id: UUID, name: str, key: str, arguments: Mapping[str, Any]) -> None:
    """Write a command for Temporal; once a key."""
    tx.execute(_COMMAND, {"id": order_id, "name": name, "key": key, "arguments": json.dumps(dict(arguments))})


def claim_commands(tx: Executor, limit: int, lease_seconds: float) -> Sequence[Any]:
    """Lease the oldest undone command of each order, as far as it is due."""
    return tx.fetch_all(_CLAIM_COMMANDS, {"limit": limit, "lease": lease_seconds})


def finish_commands(tx: Executor, outcomes: Mapping[int, str]) -> None:
    """Mark delivered commands with what became of them."""
    tx.execute(_FINISH_COMMANDS, {"ids": list(outcomes), "outcomes": list(outcomes.values())})


def return_commands(tx: Executor, command_ids: Sequence[int], seconds: float) -> None:
    """End the lease of commands early."""
    tx.execute(_RETURN_COMMANDS, {"ids": list(command_ids), "seconds": seconds})


def pending_notifications(tx: Executor, limit: int) -> Sequence[Any]:
    """Events whose messages are not queued, oldest first."""
    return tx.fetch_all(_PENDING_NOTIFICATIONS, {"limit": limit})


def mark_notified(tx: Executor, event_ids: Sequence[int]) -> None:
    """Their messages are queued."""
    tx.execute("UPDATE orders.events SET notified_at = now() WHERE id = ANY(%(ids)s)", {"ids": list(event_ids)})


_COMMAND = f"""
    WITH commanded AS (
        INSERT INTO orders.outbox (order_id, name, key, arguments)
        VALUES (%(id)s, %(name)s, %(key)s, cast(%(arguments)s AS jsonb))
        ON CONFLICT (order_id, key) DO NOTHING
        RETURNING id
    )
    SELECT pg_notify('{OUTBOX}', '') FROM commanded
    """  # noqa: S608 - constants of this program

# Only the head of each order's queue may be taken, and only when it is due: order by order, oldest first.
_CLAIM_COMMANDS = """
    WITH heads AS (
        SELECT DISTINCT ON (order_id) id, due_at FROM orders.outbox
         WHERE done_at IS NULL
         ORDER BY order_id, id
    ), due AS (
        SELECT b.id FROM orders.outbox b JOIN heads h USING (id)
         WHERE h.due_at <= now() AND b.done_at IS NULL AND b.due_at <= now()
         ORDER BY b.id LIMIT %(limit)s
           FOR UPDATE OF b SKIP LOCKED
    )
    UPDATE orders.outbox b
       SET due_at = now() + make_interval(secs => %(lease)s), attempts = b.attempts + 1
      FROM due, orders.orders o
     WHERE b.id = due.id AND o.id = b.order_id
    RETURNING b.id, b.order_id, b.name, b.arguments, o.start_input, o.status, o.paid_by
    """
_FINISH_COMMANDS = """
    UPDATE orders.outbox b SET done_at = now(), outcome = f.outcome
      FROM unnest(cast(%(ids)s AS bigint[]), cast(%(outcomes)s AS text[])) AS f(id, outcome)
     WHERE b.id = f.id AND b.done_at IS NULL
    """

_RETURN_COMMANDS = """
    UPDATE orders.outbox SET due_at = now() + make_interval(secs => %(seconds)s)
     WHERE id = ANY(%(ids)s) AND done_at IS NULL
    """

_PENDING_NOTIFICATIONS = """
    SELECT e.id, e.order_id, o.buyer_id, e.type, o.language, o.total_minor, o.currency, e.amount_minor,
           o.cancel_reason, o.contact,
           CASE WHEN EXISTS (SELECT FROM orders.events f
                              WHERE f.order_id = e.order_id AND f.type = e.type AND f.id < e.id)
                THEN e.key END AS again
      FROM orders.events e JOIN orders.orders o ON o.id = e.order_id
     WHERE e.notified_at IS NULL
     ORDER BY e.id LIMIT %(limit)s
    """
