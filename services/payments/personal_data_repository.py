"""SQL of the payments and refunds of a person's orders: read for a copy, and what people wrote about them, erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.archived_rows import archived, either, twin
from services.db import Executor


def of_orders(tx: Executor, order_ids: Sequence[UUID]) -> Sequence[Any]:
    """The payments of orders, oldest first, with their refunds as JSON."""
    return tx.fetch_all(_OF_ORDERS, {"orders": list(order_ids)})


def forget_failures(tx: Executor, order_ids: Sequence[UUID]) -> None:
    """Empty the reasons of failures that status reports gave as text, and let no later report write one."""
    for statement in (_FORGET_FAILURES, archived(_FORGET_FAILURES)):
        tx.execute(statement, {"orders": list(order_ids)})


def references(tx: Executor, table: str, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What operators wrote about refunds made by hand, in one of `REFUNDS`, by the id of the refund; locked."""
    rows = tx.fetch_all(_REFERENCES.format(table=table), {"orders": list(order_ids)})
    return {row.id: row.manual_reference for row in rows}


def replace_references(tx: Executor, table: str, kept: Mapping[UUID, str]) -> None:
    """Replace references; an empty one still says that the refund was made by hand."""
    tx.execute(_REPLACE_REFERENCES.format(table=table), {"ids": list(kept), "kept": list(kept.values())})


#: The tables of refunds.
REFUNDS = ("payments.refunds", twin("payments.refunds"))
_FORGET_FAILURES = """
    UPDATE payments.payments SET failure_message = ''
     WHERE order_id = ANY(cast(%(orders)s AS uuid[]))
       AND (failure_message IS NOT NULL OR status IN ('pending', 'unknown', 'failed'))
    """
_REFERENCES = """
    SELECT id, manual_reference FROM {table}
     WHERE order_id = ANY(cast(%(orders)s AS uuid[])) AND manual_reference <> '' FOR NO KEY UPDATE
    """
_REPLACE_REFERENCES = """
    UPDATE {table} r SET manual_reference = given.kept
      FROM unnest(cast(%(ids)s AS uuid[]), cast(%(kept)s AS text[])) AS given (id, kept)
     WHERE r.id = given.id
    """
_OF_ORDERS = either(
    """
    SELECT p.id, p.order_id, p.status, p.method, p.amount_minor, p.currency, p.gateway, p.provider_id, p.created_at,
           (SELECT json_agg(json_build_array(r.id, r.status, r.amount_minor, r.created_at) ORDER BY r.number)
              FROM payments.refunds r WHERE r.payment_id = p.id) AS refunds
      FROM payments.payments p
     WHERE p.order_id = ANY(cast(%(orders)s AS uuid[]))
    """,
    "ORDER BY id",
)
