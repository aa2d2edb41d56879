"""SQL of placing and reading orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.archived_rows import archived, either
from services.db import Executor
from services.orders.status import FINAL, UNPAID
from services.orders.views import OrderFilter
from services.pg_notify import NOTIFICATIONS


def lock_buyer(tx: Executor, buyer_id: UUID) -> None:
    """Make the orders of one buyer wait for each other until the transaction ends."""
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%(buyer)s, 0))", {"buyer": str(buyer_id)})


def unpaid(tx: Executor, buyer_id: UUID, products: Sequence[UUID]) -> tuple[int, dict[UUID, int]]:
    """The number of the buyer's open orders that are not paid, and the units of these products in them."""
    values = {"buyer": buyer_id, "unpaid": [str(status) for status in UNPAID], "products": list(products)}
    orders, *held = tx.fetch_all(_UNPAID, values)
    return int(orders.number), {row.product_id: int(row.number) for row in held}


def has_paid(tx: Executor, buyer_id: UUID) -> bool:
    """Whether the buyer has paid an order."""
    return bool(tx.fetch_value(_HAS_PAID, {"buyer": buyer_id}))


def insert(tx: Executor, order: Mapping[str, Any], lines: Sequence[tuple[UUID, str, int, int]]) -> datetime | None:
    """Write an order, its lines (product, name, price in minor units, quantity), its first event and start command.

    Returns the time at which the order was created; None when the buyer's account was erased: nothing is written.
    """
    products, names, prices, quantities = zip(*lines, strict=True)
    created_at: datetime | None = tx.fetch_value(
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
    """The order's row with its lines as JSON; `buyer_id` None finds the order of any buyer.

    `lock` locks the row, unless the order is archived: nothing changes it there.
    """
    # Most reads are about new orders: the archive is read only when the order is not among them.
    first, then = (_FIND_LOCKED, _FIND_ARCHIVED) if lock else (_FIND, _FIND_ANYWHERE)
    values = {"id": order_id, "buyer": buyer_id}
    return tx.fetch_one(first, values) or tx.fetch_one(then, values)


def numbered(tx: Executor, end: str) -> list[UUID]:
    """Ids that end with these eight digits, newest first."""
    return tx.fetch_column(_NUMBERED, {"number": end})


def has_method(tx: Executor, order_id: UUID) -> bool:
    """True while a payment method is kept: a payment with it is under way or about to start."""
    return bool(tx.fetch_value(_HAS_METHOD, {"id": order_id}))


def count_methods(tx: Executor, order_id: UUID) -> int:
    """The number of payment methods given after placing."""
    return int(tx.fetch_value(_COUNT_METHODS, {"id": order_id}))


def page(tx: Executor, wanted: OrderFilter, after: UUID | None, limit: int) -> Sequence[Any]:
    """Summaries of orders, newest first, after an id."""
    given = {name: value for name, value in {**vars(wanted), "after": after}.items() if value is not None}
    where = " AND ".join(_FILTERS[name] for name in given) or "true"
    statement, ending = f"{_SUMMARIES} WHERE {where}", "ORDER BY id DESC LIMIT %(limit)s"
    open_only = wanted.needs_attention or (wanted.status is not None and wanted.status not in FINAL)
    # No such order is archived, and the archive has no index that would say so.
    statement = f"{statement} {ending}" if open_only else either(statement, ending)
    return tx.fetch_all(statement, {**given, "limit": limit})


def events(tx: Executor, order_id: UUID, after: int, without: Sequence[str] = ()) -> Sequence[Any]:
    """The timeline after an event's id, without some types of events."""
    values = {"id": order_id, "after": after, "without": list(without)}
    return tx.fetch_all(_EVENTS, values) or tx.fetch_all(_EVENTS_ANYWHERE, values)


def give_method(tx: Executor, order_id: UUID, method: str, sealed: bytes, return_url: str | None) -> None:
    """Keep another payment method, and another return URL if there is one."""
    tx.execute(_GIVE_METHOD, {"id": order_id, "method": method, "sealed": sealed, "return_url": return_url})


def forget_method(tx: Executor, order_id: UUID) -> None:
    """Drop the card token or phone number: no charge needs it any more."""
    tx.execute(_FORGET_METHOD, {"id": order_id})


# The number of orders has no product, and sorts first.
_UNPAID = """
    WITH unpaid AS (SELECT id FROM orders.orders WHERE buyer_id = %(buyer)s AND status = ANY(%(unpaid)s))
    SELECT cast(NULL AS uuid) AS product_id, count(*) AS number FROM unpaid
     UNION ALL
    SELECT l.product_id, sum(l.quantity) FROM orders.lines l JOIN unpaid u ON u.id = l.order_id
     WHERE l.product_id = ANY(cast(%(products)s AS uuid[])) GROUP BY l.product_id
     ORDER BY product_id NULLS FIRST
    """
_PAID = "EXISTS (SELECT FROM orders.orders WHERE buyer_id = %(buyer)s AND paid_by IS NOT NULL)"
_HAS_PAID = f"SELECT {_PAID} OR {archived(_PAID)}"

_INSERT = f"""
    WITH placed AS (
        INSERT INTO orders.orders (id, buyer_id, status, total_minor, currency, country, region, city, street,
                                   postal_code, return_url, language, method, payment_method, contact, start_input)
        SELECT %(id)s, %(buyer_id)s, 'created', %(total_minor)s, %(currency)s, %(country)s, %(region)s, %(city)s,
               %(street)s, cast(%(postal_code)s AS text), cast(%(return_url)s AS text), %(language)s,
               cast(%(method)s AS text), cast(%(payment_method)s AS bytea), cast(%(contact)s AS bytea),
               cast(%(start_input)s AS jsonb)
         WHERE NOT EXISTS (SELECT FROM orders.erased_buyers e WHERE e.buyer_id = %(buyer_id)s)
        RETURNING id, created_at
    ), lined AS (
        INSERT INTO orders.lines (order_id, product_id, position, name, price_minor, quantity)
        SELECT placed.id, line.product_id, line.position, line.name, line.price, line.quantity
          FROM placed, unnest(cast(%(products)s AS uuid[]), cast(%(names)s AS text[]), cast(%(prices)s AS bigint[]),
                      cast(%(quantities)s AS integer[]))
               WITH ORDINALITY AS line(product_id, name, price, quantity, position)
    ), noted AS (
        INSERT INTO orders.events (order_id, key, type, status, amount_minor)
        SELECT id, 'created', 'created', 'created', %(total_minor)s FROM placed
    ), commanded AS (
        -- The api tries the start itself; the relay takes what is left.
        INSERT INTO orders.outbox (order_id, name, key, arguments, due_at)
        SELECT id, 'start', 'start', '{{}}', now() + interval '2 seconds' FROM placed
    )
    SELECT created_at, pg_notify('{NOTIFICATIONS}', '') FROM placed
    """  # noqa: S608 - constants of this program

# Named one by one: a prepared `o.*` fails once a migration adds a column (FAULTS F72).
_FIND = """
    SELECT o.id, o.buyer_id, o.status, o.total_minor, o.currency, o.country, o.region, o.city, o.street, o.postal_code,
           o.method, o.contact, o.start_input, o.cancel_reason, o.attention_reasons, o.attention_details, o.created_at,
           o.updated_at,
           (SELECT json_agg(json_build_array(l.product_id, l.name, l.price_minor, l.quantity) ORDER BY l.position)
              FROM orders.lines l WHERE l.order_id = o.id) AS lines
      FROM orders.orders o
     WHERE o.id = %(id)s AND (cast(%(buyer)s AS uuid) IS NULL OR o.buyer_id = %(buyer)s)
    """
_FIND_ANYWHERE = either(_FIND)
_FIND_ARCHIVED = archived(_FIND)
_FIND_LOCKED = _FIND + " FOR UPDATE"
# As the index has it.
_NUMBER = "right(CAST(id AS text), 8)"
_NUMBERED = either(
    f"SELECT id FROM orders.orders WHERE {_NUMBER} = %(number)s",  # noqa: S608 - a constant
    "ORDER BY id DESC",
)
_HAS_METHOD = "SELECT payment_method IS NOT NULL FROM orders.orders WHERE id = %(id)s"
_COUNT_METHODS = "SELECT count(*) FROM orders.events WHERE order_id = %(id)s AND type = 'payment_method_given'"

_SUMMARIES = "SELECT id, buyer_id, status, total_minor, currency, created_at, needs_attention FROM orders.orders"
#: By the fields of OrderFilter; only those that are given are in a statement, so that their indexes are used.
_FILTERS = {
    "buyer_id": "buyer_id = %(buyer_id)s",
    "status": "status = %(status)s",
    "created_from": "created_at >= %(created_from)s",
    "created_to": "created_at < %(created_to)s",
    "needs_attention": "needs_attention = %(needs_attention)s",
    "number": f"{_NUMBER} = %(number)s",
    "ids": "id = ANY(%(ids)s)",
    "after": "id < %(after)s",
}

_ENTRIES = """
    SELECT e.id, e.at, e.type, e.status, e.detail, e.attempt, e.amount_minor, o.currency
      FROM orders.events e JOIN orders.orders o ON o.id = e.order_id
     WHERE e.order_id = %(id)s AND e.id > %(after)s AND e.type <> ALL(cast(%(without)s AS text[]))
    """
_EVENTS = f"{_ENTRIES} ORDER BY id"
_EVENTS_ANYWHERE = either(_ENTRIES, "ORDER BY id")

_GIVE_METHOD = """
    UPDATE orders.orders
       SET method = %(method)s, payment_method = %(sealed)s, return_url = coalesce(%(return_url)s, return_url),
           updated_at = now()
     WHERE id = %(id)s
    """
_FORGET_METHOD = "UPDATE orders.orders SET payment_method = NULL WHERE id = %(id)s AND payment_method IS NOT NULL"
