"""Invariants of orders, their timelines and their idempotency keys: I3, I8 and I11."""

from __future__ import annotations

from services.reconcile.invariants.invariant import Invariant, Within, any_order, in_archive

#: The entries of a timeline that are a new status, in the only order in which they may follow each other.
_STATUSES = ("created", "reserved", "payment_pending", "paid", "confirmed", "cancelling", "cancelled")
_KEYS = ", ".join(f"'{status}'" for status in _STATUSES)


def _ends_once(within: Within) -> str:
    # Each table is read once: the timeline as a group an order, in the order of its index.
    return f"""
    WITH timeline AS (
        SELECT order_id, array_agg(key) AS keys FROM orders.events
         WHERE key IN ({_KEYS}) AND {within("order_id")} GROUP BY order_id)
    SELECT * FROM (
        SELECT o.id AS order_id, o.status,
               CASE WHEN t.keys IS NULL OR NOT 'created' = ANY (t.keys) THEN 'does not begin with `created`'
                    WHEN (o.status = 'confirmed') <> ('confirmed' = ANY (t.keys)) THEN
                         CASE o.status WHEN 'confirmed' THEN 'has no entry `confirmed`'
                                       ELSE 'has an entry `confirmed`' END
                    WHEN (o.status = 'cancelled') <> ('cancelled' = ANY (t.keys)) THEN
                         CASE o.status WHEN 'cancelled' THEN 'has no entry `cancelled`'
                                       ELSE 'has an entry `cancelled`' END
                    WHEN (o.status IN ('cancelling', 'cancelled')) <> ('cancelling' = ANY (t.keys)) THEN
                         CASE WHEN o.status IN ('cancelling', 'cancelled') THEN 'has no entry `cancelling`'
                                       ELSE 'has an entry `cancelling`' END
                    WHEN o.status = 'confirmed'
                         AND NOT t.keys @> cast(ARRAY['reserved', 'payment_pending', 'paid'] AS varchar[])
                    THEN 'lacks one of `reserved`, `payment_pending` and `paid`'
               END AS problem
          FROM orders.orders o LEFT JOIN timeline t ON t.order_id = o.id
         WHERE {within("o.id")}) AS checked
     WHERE problem IS NOT NULL
    """  # noqa: S608 - only constants of this module


def _goes_forward(within: Within) -> str:
    return f"""
    SELECT order_id, before, after FROM (
        SELECT order_id, key AS after, lag(key) OVER in_order AS before,
               array_position(ARRAY[{_KEYS}], cast(key AS text)) AS place,
               lag(array_position(ARRAY[{_KEYS}], cast(key AS text))) OVER in_order AS place_before
          FROM orders.events WHERE key IN ({_KEYS}) AND {within("order_id")}
        WINDOW in_order AS (PARTITION BY order_id ORDER BY id)) AS steps
     WHERE place < place_before
    """  # noqa: S608 - only constants of this module


ORDERS = (
    Invariant(
        "I3",
        "every order ends once, by allowed transitions",
        "SELECT count(*) FROM orders.orders",
        _ends_once(any_order),
        "Order {order} is {status}, but its timeline {problem}.",
        in_archive(_ends_once),
    ),
    Invariant(
        "I8",
        "one order per idempotency key",
        "SELECT count(*) FROM idempotency.keys WHERE operation = 'POST /orders'",
        """
        SELECT k.resource_id AS order_id, count(*) AS keys,
               CASE WHEN count(coalesce(o.id, a.id)) = 0 THEN 'there is no such order' ELSE 'it was placed once' END
                   AS problem
          FROM idempotency.keys k LEFT JOIN orders.orders o ON o.id = k.resource_id
          LEFT JOIN orders.archived_orders a ON a.id = k.resource_id
         WHERE k.operation = 'POST /orders'
         GROUP BY k.resource_id HAVING count(*) > 1 OR count(coalesce(o.id, a.id)) = 0
        """,
        "{keys} idempotency keys name order {order}, but {problem}.",
    ),
    Invariant(
        "I11",
        "no order goes back",
        "SELECT count(*) FROM orders.events",
        _goes_forward(any_order),
        "Order {order} went back from `{before}` to `{after}`.",
        in_archive(_goes_forward),
    ),
    Invariant(
        "I11",
        "a message of the provider has one effect",
        "SELECT count(*) FROM payments.inbox",
        """
        SELECT key AS message_id, count(*) AS orders FROM orders.outbox
         WHERE key LIKE 'payment_updated:%%' GROUP BY key HAVING count(*) > 1
        """,
        "One message of the provider had an effect on {orders} orders.",
    ),
)
