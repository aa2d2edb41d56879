"""SQL of the payments and refunds of a person's orders: read for a copy, and what people wrote about them, erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.archived_rows import archived, either
from services.db import Executor


def of_orders(tx: Executor, order_ids: Sequence[UUID]) -> Sequence[Any]:
    """The payments of orders, oldest first, with their refunds as JSON."""
    return tx.fetch_all(_OF_ORDERS, {"orders": list(order_ids)})


def erase(tx: Executor, order_ids: Sequence[UUID]) -> None:
    """Delete the operators' notes on refunds; an empty one still says that the refund was made by hand."""
    for statement in (_ERASE, archived(_ERASE)):
        tx.execute(statement, {"orders": list(order_ids)})


_ERASE = """
    UPDATE payments.refunds SET manual_reference = ''
     WHERE order_id = ANY(cast(%(orders)s AS uuid[])) AND manual_reference <> ''
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
