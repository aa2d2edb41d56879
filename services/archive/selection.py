# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""Which orders may be archived, as SQL: nothing of them is open, undelivered, younger than a date, or wrong."""

from __future__ import annotations

from services.clock import NOW

#: Days for which an order that was moved back stays, so that somebody can work with it.
RESTORED_DAYS = 7

_MOMENT = f"(SELECT {NOW})"
_BEFORE = "cast(%(before)s AS timestamptz)"

# OFFSET 0: what an order must not have is looked up order by order. As joins, whole tables are read for every batch, or
# with old statistics for every order.
# The money is right as invariant I4 has it: what does not agree stays where the reconciler looks at it.
_MOVABLE = f"""
    o.status IN ('confirmed', 'cancelled') AND o.updated_at < {_BEFORE} AND NOT o.needs_attention
    AND o.payment_method IS NULL
    AND (o.restored_at IS NULL OR o.restored_at < {_MOMENT} - interval '{RESTORED_DAYS} days')
    AND NOT EXISTS (SELECT FROM orders.events e
                     WHERE e.order_id = o.id AND (e.notified_at IS NULL OR e.at >= {_BEFORE}) OFFSET 0)
    AND NOT EXISTS (SELECT FROM orders.outbox b
                     WHERE b.order_id = o.id AND (b.done_at IS NULL OR b.done_at >= {_BEFORE}) OFFSET 0)
    AND NOT EXISTS (SELECT FROM payments.payments p
                     WHERE p.order_id = o.id
                       AND (p.status IN ('pending', 'unknown', 'review') OR p.updated_at >= {_BEFORE}) OFFSET 0)
    AND NOT EXISTS (SELECT FROM payments.refunds r
                     WHERE r.order_id = o.id
                       AND (r.status = 'pending' OR r.reported_at IS NULL OR r.updated_at >= {_BEFORE}) OFFSET 0)
    AND NOT EXISTS (SELECT FROM reservations.reservations v WHERE v.order_id = o.id AND v.status = 'reserved' OFFSET 0)
    AND NOT EXISTS (SELECT FROM notifications.notifications n
                     WHERE n.order_id = o.id
                       AND (n.status = 'queued' OR n.recipient IS NOT NULL OR n.created_at >= {_BEFORE}) OFFSET 0)
    AND NOT EXISTS (SELECT FROM webhooks.deliveries d WHERE d.order_id = o.id AND d.status = 'waiting' OFFSET 0)
    AND coalesce((SELECT sum(l.amount_minor) FROM payments.ledger l WHERE l.order_id = o.id), 0)
        = CASE o.status WHEN 'confirmed' THEN o.total_minor - coalesce(
              (SELECT p.refunded_minor FROM payments.payments p WHERE p.id = o.paid_by), 0) ELSE 0 END
    """

#: Ids of the next orders, oldest first, whether they may be archived or not: what one statement looks at is bounded,
#: also where nothing can be moved. Ids begin with a time, so that what is newer than the date is not read; a day is
#: allowed for clocks that differ.
NEXT = """
    SELECT o.id FROM orders.orders o
     WHERE (cast(%(after)s AS uuid) IS NULL OR o.id > %(after)s) AND o.id < %(until)s
     ORDER BY o.id LIMIT %(limit)s
    """
#: Of these orders, those that may be archived.
MOVABLE = f"""
    SELECT o.id FROM orders.orders o
     WHERE o.id = ANY (cast(%(orders)s AS uuid[])) AND {_MOVABLE}
     ORDER BY o.id
    """
#: The same, locked, without those that others have locked.
LOCKED = f"{MOVABLE} FOR UPDATE OF o SKIP LOCKED"
#: Of locked orders, those whose payments could be locked too: waiting for a refund that has begun could deadlock.
WITH_LOCKED_PAYMENTS = """
    WITH locked AS MATERIALIZED (
        SELECT id, order_id FROM payments.payments
         WHERE order_id = ANY (cast(%(orders)s AS uuid[])) FOR UPDATE SKIP LOCKED)
    SELECT o.id FROM unnest(cast(%(orders)s AS uuid[])) AS o (id)
     WHERE (SELECT count(*) FROM locked WHERE order_id = o.id)
         = (SELECT count(*) FROM payments.payments p WHERE p.order_id = o.id)
    """
