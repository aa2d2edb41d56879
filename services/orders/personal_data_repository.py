"""SQL of what the orders service holds about a person: read for an export, and erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.archived_rows import archived, either
from services.db import Executor
from services.orders.status import OrderEventType

_E = OrderEventType


def open_orders(tx: Executor, buyer_id: UUID) -> int:
    """The number of the buyer's orders that are not closed."""
    return int(tx.fetch_value(_OPEN, {"buyer": buyer_id}))


def contacts(tx: Executor, buyer_id: UUID) -> list[tuple[UUID, bytes]]:
    """The encrypted contacts of the buyer's orders, with the ids of these."""
    return [(row.id, row.contact) for row in tx.fetch_all(_CONTACTS, {"buyer": buyer_id})]


def erase(tx: Executor, buyer_id: UUID) -> list[UUID]:
    """Refuse new orders of the buyer, and delete what the closed ones say about the person; returns their ids.

    The archive comes last: an order that is being archived is waited for by the first statement.
    """
    tx.execute(_REFUSE, {"buyer": buyer_id})
    erased = [
        id_ for statement in (_ERASE, archived(_ERASE)) for id_ in tx.fetch_column(statement, {"buyer": buyer_id})
    ]
    for statement in (_SHORTEN, archived(_SHORTEN)):
        tx.execute(statement, {"orders": erased, "by_operators": [_E.RESOLVED, _E.OPERATOR_ACTION]})
    return erased


def page(tx: Executor, buyer_id: UUID, after: UUID | None, limit: int) -> Sequence[Any]:
    """Orders of a buyer with their lines and their timelines as JSON, oldest first, after an id."""
    return tx.fetch_all(_PAGE, {"buyer": buyer_id, "after": after, "limit": limit})


_OPEN = "SELECT count(*) FROM orders.orders WHERE buyer_id = %(buyer)s AND status NOT IN ('confirmed', 'cancelled')"
_CONTACTS = either("SELECT id, contact FROM orders.orders WHERE buyer_id = %(buyer)s AND contact IS NOT NULL")
_REFUSE = "INSERT INTO orders.erased_buyers (buyer_id) VALUES (%(buyer)s) ON CONFLICT DO NOTHING"
# The country stays, for taxes; the reason of a cancellation stays as a code.
_ERASE = """
    UPDATE orders.orders
       SET region = '', city = '', street = '', postal_code = NULL, contact = NULL, payment_method = NULL,
           return_url = NULL, cancel_note = NULL
     WHERE buyer_id = %(buyer)s
    RETURNING id
    """
# What an operator did stays (`refund_payment: mark_done by anna`, `cancel by anna`), without the text that followed.
_SHORTEN = """
    UPDATE orders.events SET detail = split_part(detail, ', ', 1)
     WHERE order_id = ANY(cast(%(orders)s AS uuid[])) AND type = ANY(cast(%(by_operators)s AS text[]))
       AND detail LIKE '%%, %%'
    """
_PAGE = either(
    """
    SELECT o.id, o.status, o.created_at, o.updated_at, o.total_minor, o.currency, o.country, o.region, o.city, o.street,
           o.postal_code, o.method, o.contact, o.language, o.cancel_reason, o.cancel_note,
           (SELECT json_agg(json_build_array(l.name, l.quantity, l.price_minor) ORDER BY l.position)
              FROM orders.lines l WHERE l.order_id = o.id) AS lines,
           (SELECT json_agg(json_build_array(e.at, e.type, e.status) ORDER BY e.id)
              FROM orders.events e WHERE e.order_id = o.id) AS events
      FROM orders.orders o
     WHERE o.buyer_id = %(buyer)s AND (cast(%(after)s AS uuid) IS NULL OR o.id > %(after)s)
    """,
    "ORDER BY id LIMIT %(limit)s",
)
