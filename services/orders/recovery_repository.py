# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""SQL of recovery: open orders without progress, and how often each was started again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.clock import NOW
from services.db import Executor


@dataclass(frozen=True)
class Restart:
    """An open order whose workflow is started again."""

    start_input: Mapping[str, Any]
    #: how often it was since the order last went on, this time included
    times: int


def unattended(tx: Executor, after: UUID | None, limit: int, quiet: float) -> list[UUID]:
    """Ids of open orders that did not change for `quiet` seconds and are due."""
    return tx.fetch_column(_UNATTENDED, {"after": after, "limit": limit, "quiet": quiet})


def not_open(tx: Executor, order_ids: Collection[UUID], quiet: float) -> list[UUID]:
    """Those of the ids that no order has, or one that ended `quiet` seconds ago."""
    return tx.fetch_column(_NOT_OPEN, {"ids": list(order_ids), "quiet": quiet})


def with_method(tx: Executor, order_ids: Collection[UUID], quiet: float) -> list[UUID]:
    """Those of the orders that did not change for `quiet` seconds and wait for no payment method."""
    return tx.fetch_column(_WITH_METHOD, {"ids": list(order_ids), "quiet": quiet})


def begin(tx: Executor, order_id: UUID, *, now: bool) -> Restart | None:
    """Count one more start of an open order's workflow; None when it is not open, or not due unless `now`."""
    return tx.fetch_one(_BEGIN, {"id": order_id, "at_once": now}, into=Restart)


def due_at(tx: Executor, order_id: UUID, quiet: float) -> datetime | None:
    """When an open order that did not change for `quiet` seconds is due; None when it is not open."""
    row = tx.fetch_one(_DUE_AT, {"id": order_id, "quiet": quiet})
    return row.due_at if row else None


def needing(tx: Executor, reason: str) -> list[UUID]:
    """Ids of the orders that have this attention reason."""
    return tx.fetch_column(_NEEDING, {"reason": reason})


def no_longer_lost(tx: Executor, reason: str) -> list[UUID]:
    """Ids of the orders with this reason that have changed since their last start, or had none for 20 minutes."""
    return tx.fetch_column(_NO_LONGER_LOST, {"reason": reason})


_OPEN = "status NOT IN ('confirmed', 'cancelled')"
# Seconds after a start until the next: 30, 60, 120 … 900.
_AFTER_START = "make_interval(secs => least(30 * power(2, least(recoveries, 10) - 1), 900))"
_DUE = f"(recovered_at IS NULL OR updated_at > recovered_at OR recovered_at <= {NOW} - {_AFTER_START})"

_UNATTENDED = f"""
    SELECT id FROM orders.orders
     WHERE {_OPEN} AND updated_at <= {NOW} - make_interval(secs => %(quiet)s) AND {_DUE}
       AND (cast(%(after)s AS uuid) IS NULL OR id > %(after)s)
     ORDER BY id LIMIT %(limit)s
    """
_NOT_OPEN = f"""
    SELECT given.id FROM unnest(cast(%(ids)s AS uuid[])) AS given (id)
      LEFT JOIN orders.orders o ON o.id = given.id
     WHERE o.id IS NULL
        OR (o.status IN ('confirmed', 'cancelled') AND o.updated_at <= {NOW} - make_interval(secs => %(quiet)s))
    """
_WITH_METHOD = f"""
    SELECT id FROM orders.orders
     WHERE id = ANY (%(ids)s) AND updated_at <= {NOW} - make_interval(secs => %(quiet)s)
       AND (status IN ('payment_pending', 'paid', 'cancelling')
            OR (status = 'reserved' AND payment_method IS NOT NULL))
    """
_BEGIN = f"""
    UPDATE orders.orders
       SET recoveries = CASE WHEN updated_at > recovered_at THEN 1 ELSE recoveries + 1 END, recovered_at = {NOW}
     WHERE id = %(id)s AND {_OPEN} AND (cast(%(at_once)s AS boolean) OR {_DUE})
    RETURNING start_input, recoveries AS times
    """
_DUE_AT = f"""
    SELECT greatest(updated_at + make_interval(secs => %(quiet)s),
                    CASE WHEN updated_at <= recovered_at THEN recovered_at + {_AFTER_START} END) AS due_at
      FROM orders.orders WHERE id = %(id)s AND {_OPEN}
    """
_NEEDING = "SELECT id FROM orders.orders WHERE needs_attention AND %(reason)s = ANY(attention_reasons)"
_NO_LONGER_LOST = f"""
    {_NEEDING} AND (NOT ({_OPEN}) OR updated_at > recovered_at OR recovered_at < {NOW} - interval '20 minutes')
    """
