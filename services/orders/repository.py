"""SQL of placing and reading orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.db import Executor
from services.orders.status import UNPAID
from services.pg_notify import NOTIFICATIONS


def lock_buyer(tx: Executor, buyer_id: UUID) -> None:
    """Make the orders of one buyer wait for each other until the transaction ends."""
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%(buyer)s, 0))", {"buyer": str(buyer_id)})


def count_unpaid(tx: Executor, buyer_id: UUID) -> int:
    """The number of the buyer's open orders that are not paid."""
    values = {"buyer": buyer_id, "unpaid": [str(status) for status in UNPAID]}
    return int(tx.fetch_value(_COUNT_UNPAID, values))


def insert(tx: Executor, order: Mapping[str, Any], lines: Sequence[tuple[UUID, str, int, int]]) -> datetime:
    """Write an order, its lines (product, name, price in minor units, quantity), its first event and start command.

    Returns the time at which the order was created.
    """
    products, names, prices, quantities = zip(*lines, strict=True)
    created_at: datetime = tx.fetch_value(
        _INSERT,
        {
            **order,
            "start_input": json.dumps(order["start_input"]),
            "products": list(products),
            "names": list(names),
            "prices": list(prices),
            "quantities": list(quantities),
        },
    )
    return created_at


def find(tx: Executor, order_id: UUID, buyer_id: UUID | None, *, lock: bool = False) -> Any | None:
    """The order's row with its lines as JSON; `buyer_id` None finds the order of any buyer, `lock` locks the row."""
    statement = _FIND_LOCKED if lock else _FIND
    return tx.fetch_one(statement, {"id": order_id, "buyer": buyer_id})


def has_method(tx: Executor, order_id: UUID) -> bool:
    """True while a payment method is kept: a payment with it is under way or about to start."""
    return bool(tx.fetch_value(_HAS_METHOD, {"id": order_id}))


def count_methods(tx: Executor, order_id: UUID) -> int:
    """The number of payment methods given after placing."""
    return int(tx.fetch_value(_COUNT_METHODS, {"id": order_id}))


def page(tx: Executor, values: Mapping[str, Any]) -> Sequence[Any]:
    """Summaries of orders, newest first, after an id."""
    return tx.fetch_all(_PAGE, dict(values))


def events(tx: Executor, order_id: UUID, after: int) -> Sequence[Any]:
    """The timeline after an event's id."""
    return tx.fetch_all(_EVENTS, {"id": order_id, "after": after})


def give_method(tx: Executor, order_id: UUID, method: str, sealed: bytes) -> None:
    """Keep another payment method."""
    tx.execute(_GIVE_METHOD, {"id": order_id, "method": method, "sealed": sealed})


def forget_method(tx: Executor, order_id: UUID) -> None:
    """Drop the card token or phone number: no charge needs it any more."""
    tx.execute(_FORGET_METHOD, {"id": order_id})


_COUNT_UNPAID = "SELECT count(*) FROM orders.orders WHERE buyer_id = %(buyer)s AND status = ANY(%(unpaid)s)"

_INSERT = f"""
    WITH placed AS (
        INSERT INTO orders.orders (id, buyer_id, status, total_minor, currency, country, region, city, street,
                                   language, method, payment_method, contact, start_input)
        VALUES (%(id)s, %(buyer_id)s, 'created', %(total_minor)s, %(currency)s, %(country)s, %(region)s, %(city)s,
               %(street)s,
                %(language)s, %(method)s, %(payment_method)s, %(contact)s, cast(%(start_input)s AS jsonb))
        RETURNING created_at
    ), lined AS (
        INSERT INTO orders.lines (order_id, product_id, position, name, price_minor, quantity)
        SELECT %(id)s, line.product_id, line.position, line.name, line.price, line.quantity
          FROM unnest(cast(%(products)s AS uuid[]), cast(%(names)s AS text[]), cast(%(prices)s AS bigint[]),
                      cast(%(quantities)s AS integer[]))
               WITH ORDINALITY AS line(product_id, name, price, quantity, position)
    ), noted AS (
        INSERT INTO orders.events (order_id, key, type, status, amount_minor)
        VALUES (%(id)s, 'created', 'created', 'created', %(total_minor)s)
    ), commanded AS (
        -- The api tries the start itself; the relay takes what is left.
        INSERT INTO orders.outbox (order_id, name, key, arguments, due_at)
        VALUES (%(id)s, 'start', 'start', '{{}}', now() + interval '2 seconds')
    )
    SELECT created_at, pg_notify('{NOTIFICATIONS}', '') FROM placed
    """  # noqa: S608 - constants of this program

_FIND_SQL = """
    SELECT o.*,
           (SELECT json_agg(json_build_array(l.product_id, l.name, l.price_minor, l.quantity) ORDER BY l.position)
              FROM orders.lines l WHERE l.order_id = o.id) AS lines
      FROM orders.orders o
     WHERE o.id = %(id)s AND (cast(%(buyer)s AS uuid) IS NULL OR o.buyer_id = %(buyer)s)
    """
_FIND = _FIND_SQL
_FIND_LOCKED = _FIND_SQL + " FOR UPDATE"
_HAS_METHOD = "SELECT payment_method IS NOT NULL FROM orders.orders WHERE id = %(id)s"
_COUNT_METHODS = "SELECT count(*) FROM orders.events WHERE order_id = %(id)s AND type = 'payment_method_given'"

_PAGE = """
    SELECT id, buyer_id, status, total_minor, currency, created_at, needs_attention
      FROM orders.orders
     WHERE (cast(%(buyer)s AS uuid) IS NULL OR buyer_id = %(buyer)s)
       AND (cast(%(status)s AS text) IS NULL OR status = %(status)s)
       AND (cast(%(created_from)s AS timestamptz) IS NULL OR created_at >= %(created_from)s)
       AND (cast(%(created_to)s AS timestamptz) IS NULL OR created_at < %(created_to)s)
       AND (cast(%(attention)s AS boolean) IS NULL OR needs_attention = %(attention)s)
       AND (cast(%(after)s AS uuid) IS NULL OR id < %(after)s)
     ORDER BY id DESC
     LIMIT %(limit)s
    """

_EVENTS = """
    SELECT e.id, e.at, e.type, e.status, e.detail, e.attempt, e.amount_minor, o.currency
      FROM orders.events e JOIN orders.orders o ON o.id = e.order_id
     WHERE e.order_id = %(id)s AND e.id > %(after)s
     ORDER BY e.id
    """

_GIVE_METHOD = (
    "UPDATE orders.orders SET method = %(method)s, payment_method = %(sealed)s, updated_at = now() WHERE id = %(id)s"
)
_FORGET_METHOD = "UPDATE orders.orders SET payment_method = NULL WHERE id = %(id)s AND payment_method IS NOT NULL"
