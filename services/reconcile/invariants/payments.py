"""Invariants of money and of the goods it pays for: I4, I5, and I11 of payments."""

from __future__ import annotations

from services.reconcile.invariants.invariant import Invariant, Within, any_order, in_archive


def _money(within: Within) -> str:
    # Money that has just arrived for a closed order is about to be sent back: that is not a violation yet.
    return f"""
    WITH kept AS (
        SELECT order_id, sum(amount_minor) AS minor, max(at) AS at FROM payments.ledger
         WHERE {within("order_id")} GROUP BY order_id)
    SELECT * FROM (
        SELECT o.id AS order_id, o.status, o.currency, coalesce(k.minor, 0) AS kept_minor, k.at,
               CASE o.status WHEN 'confirmed' THEN o.total_minor - coalesce(p.refunded_minor, 0) ELSE 0
               END AS expected_minor
          FROM orders.orders o LEFT JOIN kept k ON k.order_id = o.id
          LEFT JOIN payments.payments p ON p.id = o.paid_by
         WHERE o.status IN ('confirmed', 'cancelled') AND {within("o.id")}) AS compared
     WHERE kept_minor <> expected_minor
       AND NOT (kept_minor > expected_minor AND at > now() - make_interval(secs => %(lag)s))
       AND NOT (kept_minor > expected_minor AND EXISTS (
                SELECT FROM payments.refunds r WHERE r.order_id = compared.order_id AND r.status = 'pending'))
    """  # noqa: S608 - only constants of this program


def _goods(within: Within) -> str:
    return f"""
    SELECT o.id AS order_id, o.status, r.id AS reservation_id,
           CASE WHEN r.id IS NULL THEN 'it has no reservation' ELSE 'its reservation is ' || r.status END AS problem
      FROM orders.orders o LEFT JOIN reservations.reservations r ON r.order_id = o.id
     WHERE ((o.status = 'confirmed' AND r.status IS DISTINCT FROM 'confirmed'
             AND o.updated_at < now() - make_interval(secs => %(lag)s))
            OR (o.status = 'cancelled' AND r.status IN ('reserved', 'confirmed')))
       AND {within("o.id")}
    """  # noqa: S608 - only constants of this program


def _ledger(within: Within) -> str:
    return f"""
    WITH booked AS (
        SELECT payment_id, coalesce(sum(amount_minor) FILTER (WHERE kind = 'charge'), 0) AS taken,
               coalesce(-sum(amount_minor) FILTER (WHERE kind = 'refund'), 0) AS returned
          FROM payments.ledger WHERE {within("order_id")} GROUP BY payment_id)
    SELECT * FROM (
        SELECT p.id AS payment_id, p.order_id, p.currency, p.captured_minor, p.refunded_minor,
               coalesce(b.taken, 0) AS taken_minor, coalesce(b.returned, 0) AS returned_minor
          FROM payments.payments p LEFT JOIN booked b ON b.payment_id = p.id
         WHERE {within("p.order_id")}) AS compared
     WHERE captured_minor <> taken_minor OR refunded_minor <> returned_minor OR returned_minor > taken_minor
    """  # noqa: S608 - only constants of this program


def _status(within: Within) -> str:
    return f"""
    SELECT p.id AS payment_id, p.order_id, p.status, p.currency, p.captured_minor, p.refunded_minor
      FROM payments.payments p
     WHERE {within("p.order_id")} AND CASE p.status
           WHEN 'succeeded' THEN p.captured_minor = 0 OR p.refunded_minor > 0
           WHEN 'partially_refunded' THEN p.refunded_minor = 0 OR p.refunded_minor >= p.captured_minor
           WHEN 'refunded' THEN p.captured_minor = 0 OR p.refunded_minor <> p.captured_minor
           WHEN 'review' THEN false
           ELSE p.captured_minor > 0 END
    """  # noqa: S608 - only constants of this program


PAYMENTS = (
    Invariant(
        "I4",
        "the money kept is the total minus refunds for a confirmed order, and zero for a cancelled one",
        "SELECT count(*) FROM orders.orders WHERE status IN ('confirmed', 'cancelled')",
        _money(any_order),
        "Order {order} is {status}, but the ledger keeps {kept} for it instead of {expected}.",
        in_archive(_money),
    ),
    Invariant(
        "I4",
        "a confirmed order has a confirmed reservation, a cancelled order holds no goods",
        "SELECT count(*) FROM reservations.reservations",
        _goods(any_order),
        "Order {order} is {status}, but {problem}.",
        in_archive(_goods),
    ),
    Invariant(
        "I5",
        "payments agree with their ledger, and no payment is refunded more than was captured",
        "SELECT count(*) FROM payments.payments",
        _ledger(any_order),
        "A payment of order {order} has {captured} captured and {refunded} refunded, but the ledger has {taken} and"
        " {returned}.",
        in_archive(_ledger),
    ),
    Invariant(
        "I11",
        "no payment goes back: its status agrees with its amounts",
        "SELECT count(*) FROM payments.payments",
        _status(any_order),
        "A payment of order {order} is {status}, but {captured} was captured and {refunded} refunded.",
        in_archive(_status),
    ),
)
