"""SQL of webhook deliveries and their attempts; each function is one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.clock import NOW as MOMENT
from services.db import Executor
from services.old_rows import oldest
from services.pg_notify import WEBHOOKS
from services.webhooks.retry_policy import Outcome
from services.webhooks.status import DeliveryStatus, WebhookEventType
from services.webhooks.views import AttemptView, ClaimedDelivery, DeliveryFilter, DeliveryView

#: Days after which a delivery is deleted, with its attempts.
KEPT_DAYS = 30
#: Deliveries that are sent again by one statement.
BATCH = 1000


def queue(tx: Executor, messages: Sequence[tuple[str, str, UUID, str]]) -> int:
    """Queue messages (id, type, order, body) for every endpoint of their type, once each; returns how many."""
    ids, types, orders, bodies = map(list, zip(*sorted(messages), strict=True))
    return len(tx.fetch_all(_QUEUE, {"ids": ids, "types": types, "orders": orders, "bodies": bodies}))


def claim(tx: Executor, busy: Mapping[UUID, int], per_endpoint: int, lease: float) -> list[ClaimedDelivery]:
    """Claim what is due for `lease` seconds: of each endpoint as many as are not in flight already (`busy`)."""
    values = {"ids": list(busy), "counts": list(busy.values()), "most": per_endpoint, "lease": lease}
    return tx.fetch_all(_CLAIM, values, into=ClaimedDelivery)


def record(tx: Executor, outcome: Outcome) -> bool:
    """Write the result of an attempt; False when another dispatcher has taken the delivery over meanwhile.

    A success is written in any case.
    """
    values = {
        "id": outcome.delivery.id,
        "lease": outcome.delivery.lease,
        "status": outcome.status,
        "delay": outcome.delay,
        "answer": outcome.answer.status,
        "error": outcome.answer.error,
        "duration": outcome.answer.duration,
    }
    return bool(tx.execute(_RECORD, values))


def find(tx: Executor, delivery_id: UUID) -> DeliveryView | None:
    """One delivery with its body."""
    row = tx.fetch_one(f"{_VIEW} WHERE id = %(id)s", {"id": delivery_id})
    return _view(row) if row else None


def attempts(tx: Executor, delivery_id: UUID) -> list[AttemptView]:
    """The attempts of a delivery, oldest first."""
    statement = (
        "SELECT number, at, status, duration, error FROM webhooks.attempts WHERE delivery_id = %(id)s ORDER BY number"
    )
    return tx.fetch_all(statement, {"id": delivery_id}, into=AttemptView)


def before(tx: Executor, wanted: DeliveryFilter, delivery_id: UUID | None, limit: int) -> list[DeliveryView]:
    """Deliveries, newest first, before an id."""
    values = {
        "endpoint": wanted.endpoint_id,
        "status": wanted.status,
        "order": wanted.order_id,
        "before": delivery_id,
        "limit": limit,
    }
    conditions = [condition for name, condition in _CONDITIONS.items() if values[name] is not None]
    statement = f"{_VIEW} WHERE {' AND '.join(['true', *conditions])} ORDER BY id DESC LIMIT %(limit)s"
    return [_view(row) for row in tx.fetch_all(statement, values)]


def send_again(tx: Executor, delivery_id: UUID) -> bool:
    """Let a delivery wait again, due at once; False when there is none, or its endpoint is disabled."""
    return bool(tx.fetch_all(_SEND_AGAIN, {"id": delivery_id}))


def send_failed_again(tx: Executor, endpoint_id: UUID, since: datetime) -> int:
    """Let at most 1,000 failed or skipped deliveries wait again, those of events since a time; returns how many.

    None when the endpoint is disabled: nothing would be sent to it.
    """
    return len(tx.fetch_all(_SEND_FAILED_AGAIN, {"endpoint": endpoint_id, "since": since, "limit": BATCH}))


def delete_of(tx: Executor, endpoint_id: UUID) -> int:
    """Delete at most 1,000 deliveries of an endpoint; returns how many."""
    return tx.execute(_DELETE_OF, {"endpoint": endpoint_id, "limit": BATCH})


def delete_old(tx: Executor, limit: int) -> int:
    """Delete old deliveries with their attempts; returns how many."""
    return tx.execute(_DELETE_OLD, {"limit": limit})


def _view(row: Any) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        endpoint_id=row.endpoint_id,
        message_id=row.message_id,
        event_type=WebhookEventType(row.event_type),
        order_id=row.order_id,
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.due_at if row.status == DeliveryStatus.WAITING else None,
        last_status=row.last_status,
        last_error=row.last_error,
        body=row.body,
    )


# Evaluated once per statement, so that an index on it can be used.
NOW = f"(SELECT {MOMENT})"

# An endpoint that is disabled or enabled at this moment is waited for, and waits for this: no message is left waiting
# for a disabled one. One that is being deleted is passed over when it is gone.
_QUEUE = f"""
    WITH queued AS (
        INSERT INTO webhooks.deliveries
               (id, endpoint_id, message_id, event_type, order_id, body, status, due_at, created_at)
        SELECT uuidv7(), p.id, m.id, m.type, m.order_id, m.body,
               CASE WHEN p.disabled_reason IS NULL THEN 'waiting' ELSE 'skipped' END, {NOW}, {NOW}
          FROM unnest(cast(%(ids)s AS text[]), cast(%(types)s AS text[]), cast(%(orders)s AS uuid[]),
                      cast(%(bodies)s AS text[])) AS m(id, type, order_id, body)
          JOIN webhooks.endpoints p ON m.type = ANY(p.event_types)
         ORDER BY m.id FOR SHARE OF p
        ON CONFLICT (endpoint_id, message_id) DO NOTHING
        RETURNING id)
    SELECT id, pg_notify('{WEBHOOKS}', '') FROM queued
    """  # noqa: S608 - only constants of this project
_CLAIM = f"""
    WITH ready AS (
        SELECT p.id, greatest(%(most)s - coalesce(b.count, 0), 0) AS free
          FROM webhooks.endpoints p
          LEFT JOIN unnest(cast(%(ids)s AS uuid[]), cast(%(counts)s AS integer[])) AS b(id, count) ON b.id = p.id
         WHERE p.disabled_reason IS NULL AND (p.paused_until IS NULL OR p.paused_until <= {NOW})
    ), due AS MATERIALIZED (
        SELECT d.id FROM ready r CROSS JOIN LATERAL (
               SELECT id FROM webhooks.deliveries
                WHERE endpoint_id = r.id AND status = 'waiting' AND due_at <= {NOW}
                ORDER BY due_at, id LIMIT r.free
                  FOR UPDATE SKIP LOCKED) AS d
    )
    UPDATE webhooks.deliveries d
       SET due_at = {NOW} + make_interval(secs => %(lease)s)
      FROM due, webhooks.endpoints p
     WHERE d.id = due.id AND p.id = d.endpoint_id
    RETURNING d.id, d.endpoint_id, d.message_id, p.url, d.body, p.secret,
              CASE WHEN p.previous_secret_until > {NOW} THEN p.previous_secret END AS previous_secret,
              d.tries, p.failures, d.due_at AS lease,
              cast(coalesce(extract(epoch FROM {NOW} - p.failing_since), 0) AS double precision) AS failing_seconds
    """  # noqa: S608 - only constants of this project
_RECORD = f"""
    WITH recorded AS (
        UPDATE webhooks.deliveries
           SET status = %(status)s, attempts = attempts + 1,
               tries = tries + CASE WHEN %(status)s = 'delivered' THEN 0 ELSE 1 END,
               due_at = {NOW} + make_interval(secs => %(delay)s),
               finished_at = CASE WHEN %(status)s <> 'waiting' THEN {NOW} END,
               last_status = %(answer)s, last_error = %(error)s
         WHERE id = %(id)s
           AND ((status = 'waiting' AND due_at = %(lease)s) OR (%(status)s = 'delivered' AND status <> 'delivered'))
        RETURNING id, attempts
    )
    INSERT INTO webhooks.attempts (delivery_id, number, at, status, duration, error)
    SELECT id, attempts, {NOW}, %(answer)s, %(duration)s, %(error)s FROM recorded
    """  # noqa: S608 - only constants of this project
_VIEW = """
    SELECT id, endpoint_id, message_id, event_type, order_id, status, attempts, created_at, due_at, last_status,
           last_error, body
      FROM webhooks.deliveries
    """
_CONDITIONS = {
    "endpoint": "endpoint_id = %(endpoint)s",
    "status": "status = %(status)s",
    "order": "order_id = %(order)s",
    "before": "id < %(before)s",
}
_AGAIN = f"SET status = 'waiting', tries = 0, due_at = {NOW}, finished_at = NULL"
_SEND_AGAIN = f"""
    WITH again AS (
        UPDATE webhooks.deliveries d {_AGAIN} FROM webhooks.endpoints p
         WHERE d.id = %(id)s AND p.id = d.endpoint_id AND p.disabled_reason IS NULL
        RETURNING d.id)
    SELECT id, pg_notify('{WEBHOOKS}', '') FROM again
    """  # noqa: S608 - only constants of this project
_SEND_FAILED_AGAIN = f"""
    WITH enabled AS MATERIALIZED (
        SELECT id FROM webhooks.endpoints WHERE id = %(endpoint)s AND disabled_reason IS NULL FOR SHARE
    ), again AS (
        UPDATE webhooks.deliveries d {_AGAIN}
         WHERE d.id = ANY (ARRAY(
               SELECT d.id FROM enabled e JOIN webhooks.deliveries d ON d.endpoint_id = e.id
                WHERE d.status IN ('failed', 'skipped') AND d.created_at >= %(since)s
                ORDER BY d.created_at LIMIT %(limit)s FOR UPDATE OF d))
        RETURNING d.id)
    SELECT id, pg_notify('{WEBHOOKS}', '') FROM again
    """  # noqa: S608 - only constants of this project
_DELETE_OF = """
    DELETE FROM webhooks.deliveries WHERE id = ANY (ARRAY(
        SELECT id FROM webhooks.deliveries WHERE endpoint_id = %(endpoint)s LIMIT %(limit)s))
    """
_OLD = oldest("webhooks.deliveries", "created_at", f"{KEPT_DAYS} days", "status <> 'waiting'")
_DELETE_OLD = f"DELETE FROM webhooks.deliveries WHERE {_OLD}"  # noqa: S608 - constants of this module
