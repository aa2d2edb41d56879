"""SQL of the outbox: commands for Temporal, and events whose notifications are not queued."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.db import Executor
from services.old_rows import oldest
from services.pg_notify import OUTBOX

#: Days after its delivery. Not less than the webhook inbox keeps its messages: the key of a command contains the
#: message's id, and a message that is repeated must not command its workflow again.
DONE_DAYS = 30
#: Most lines of an order that its messages name.
LINES = 20


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


def delete_done(tx: Executor, limit: int) -> int:
    """Delete delivered commands; returns how many."""
    return tx.execute(_DELETE_DONE, {"limit": limit})


def pending_notifications(tx: Executor, limit: int) -> Sequence[Any]:
    """Events whose messages are due and not queued, oldest first, each with the first lines of its order as JSON."""
    return tx.fetch_all(_PENDING_NOTIFICATIONS, {"limit": limit, "lines": LINES})


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

_DELETE_DONE = f"DELETE FROM orders.outbox WHERE {oldest('orders.outbox', 'done_at', f'{DONE_DAYS} days')}"  # noqa: S608 - constants

# The money of an order goes back before it is cancelled: the refund waits until the cancellation has its messages.
# The limit is applied first: the plan of what is looked up for each event must not depend on how many are waiting.
# The phone given with an order may be a stranger's until its owner's money was taken, which paid or is refunded.
# Money that an operator wrote off does not go back.
_PENDING_NOTIFICATIONS = """
    WITH due AS MATERIALIZED (
        SELECT e.id, e.order_id, e.type, e.key, e.at, e.status, e.amount_minor, o.buyer_id, o.language, o.total_minor,
               o.currency, o.cancel_reason, o.method, o.contact, o.paid_by, o.start_input,
               o.country, o.region, o.city, o.street, o.postal_code
          FROM orders.events e JOIN orders.orders o ON o.id = e.order_id
         WHERE e.notified_at IS NULL
           AND (e.type <> 'refunded'
                OR (o.status <> 'cancelling'
                    AND NOT EXISTS (SELECT FROM orders.events c
                                     WHERE c.order_id = e.order_id AND c.key = 'cancelled' AND c.notified_at IS NULL)))
         ORDER BY e.id LIMIT %(limit)s
    )
    SELECT e.id, e.order_id, e.buyer_id, e.key, e.type, e.at, e.status, e.language, e.total_minor, e.currency,
           e.amount_minor, e.cancel_reason, e.country, e.region, e.city, e.street, e.postal_code, l.lines, l.more_lines,
           CASE WHEN e.method = 'phone' AND (e.paid_by IS NOT NULL OR e.type = 'refunded')
                THEN e.contact END AS contact,
           EXISTS (SELECT FROM orders.orders p WHERE p.buyer_id = e.buyer_id AND p.paid_by IS NOT NULL)
           OR EXISTS (SELECT FROM orders.archived_orders p WHERE p.buyer_id = e.buyer_id AND p.paid_by IS NOT NULL)
              AS buyer_paid,
           CASE WHEN EXISTS (SELECT FROM orders.events f
                              WHERE f.order_id = e.order_id AND f.type = e.type AND f.id < e.id)
                THEN e.key END AS again,
           CASE WHEN e.type = 'created' AND e.method IS NULL
                THEN cast(e.start_input->>'payment_window' AS integer) END AS pay_within,
           e.type = 'cancelled'
           AND NOT EXISTS (SELECT FROM orders.events w
                            WHERE w.order_id = e.order_id AND w.key LIKE 'resolved:refund_payment:write_off:%%')
           AND (e.paid_by IS NOT NULL
                OR EXISTS (SELECT FROM orders.events r
                            WHERE r.order_id = e.order_id
                              AND (r.type = 'refunded' OR r.key LIKE 'resolved:refund_payment:mark_done:%%')))
               AS money_returned
      FROM due e CROSS JOIN LATERAL (
           SELECT json_agg(json_build_array(name, quantity, price_minor) ORDER BY position)
                      FILTER (WHERE position <= %(lines)s) AS lines,
                  count(*) FILTER (WHERE position > %(lines)s) AS more_lines
             FROM orders.lines WHERE order_id = e.order_id) AS l
     ORDER BY e.id
    """
