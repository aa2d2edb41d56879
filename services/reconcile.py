"""Checks the invariants of the contract (section 4) in the tables, in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.db import Database

#: How many violations of one invariant are listed.
LISTED = 20


@dataclass(frozen=True)
class Check:
    """The result for one invariant: its id in the contract, the number of checked rows, and the ids that violate it."""

    id: str
    description: str
    rows: int
    violations: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """True when nothing violates the invariant."""
        return not self.violations


@dataclass(frozen=True)
class _Invariant:
    """`count` is the SQL that counts the rows, `violations` the SQL that selects the ids of violations."""

    id: str
    description: str
    count: str
    violations: str


def check_tables(database: Database, lag_seconds: float = 60) -> list[Check]:
    """Check every invariant that the tables alone can show.

    `lag_seconds`: commands and messages that are younger may still be undelivered.
    """
    values = {"lag": lag_seconds, "listed": LISTED}
    with database.transaction() as tx:
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        checks = []
        for invariant in INVARIANTS:
            rows = int(tx.fetch_value(invariant.count))
            found = tx.fetch_column(f"{invariant.violations} LIMIT %(listed)s", values)
            checks.append(Check(invariant.id, invariant.description, rows, [str(violation) for violation in found]))
        return checks


_HELD = """
    SELECT l.product_id,
           coalesce(sum(l.quantity) FILTER (WHERE r.status = 'reserved'), 0) AS held,
           coalesce(sum(l.quantity) FILTER (WHERE r.status = 'confirmed'), 0) AS sold
      FROM reservations.lines l JOIN reservations.reservations r ON r.id = l.reservation_id
     GROUP BY l.product_id"""

_KEPT = "SELECT order_id, sum(amount_minor) AS kept FROM payments.ledger GROUP BY order_id"

INVARIANTS: tuple[_Invariant, ...] = (
    _Invariant(
        "I1",
        "stock is never negative and adds up to its total",
        "SELECT count(*) FROM reservations.stocks",
        "SELECT product_id FROM reservations.stocks"
        " WHERE available < 0 OR reserved < 0 OR sold < 0 OR total <> available + reserved + sold",
    ),
    _Invariant(
        "I2",
        "reserved units equal open reservations, sold units equal confirmed ones",
        "SELECT count(*) FROM reservations.lines",
        f"SELECT s.product_id FROM reservations.stocks s LEFT JOIN ({_HELD}) h USING (product_id)"  # noqa: S608 - only constants of this module
        " WHERE s.reserved <> coalesce(h.held, 0) OR s.sold <> coalesce(h.sold, 0)",
    ),
    _Invariant(
        "I3",
        "every order ends once, by allowed transitions",
        "SELECT count(*) FROM orders.orders",
        """SELECT o.id FROM orders.orders o
            WHERE NOT EXISTS (SELECT FROM orders.events e WHERE e.order_id = o.id AND e.key = 'created')
               OR (o.status = 'confirmed') <> EXISTS (
                     SELECT FROM orders.events e WHERE e.order_id = o.id AND e.key = 'confirmed')
               OR (o.status = 'cancelled') <> EXISTS (
                     SELECT FROM orders.events e WHERE e.order_id = o.id AND e.key = 'cancelled')
               OR (o.status = 'confirmed' AND 3 <> (
                     SELECT count(*) FROM orders.events e
                      WHERE e.order_id = o.id AND e.key IN ('reserved', 'payment_pending', 'paid')))
               OR (o.status IN ('cancelling', 'cancelled')) <> EXISTS (
                     SELECT FROM orders.events e WHERE e.order_id = o.id AND e.key = 'cancelling')""",
    ),
    _Invariant(
        "I4",
        "the money kept is the total minus refunds for a confirmed order, and zero for a cancelled one",
        "SELECT count(*) FROM orders.orders WHERE status IN ('confirmed', 'cancelled')",
        f"""SELECT o.id FROM orders.orders o LEFT JOIN ({_KEPT}) k ON k.order_id = o.id
              LEFT JOIN payments.payments p ON p.id = o.paid_by
             WHERE (o.status = 'confirmed'
                    AND coalesce(k.kept, 0) <> o.total_minor - coalesce(p.refunded_minor, 0))
                OR (o.status = 'cancelled' AND coalesce(k.kept, 0) <> 0)""",  # noqa: S608 - only constants of this module
    ),
    _Invariant(
        "I4",
        "a confirmed order has a confirmed reservation, a cancelled order holds no goods",
        "SELECT count(*) FROM reservations.reservations",
        """SELECT o.id FROM orders.orders o LEFT JOIN reservations.reservations r ON r.order_id = o.id
            WHERE (o.status = 'confirmed' AND r.status IS DISTINCT FROM 'confirmed'
                   AND o.updated_at < now() - make_interval(secs => %(lag)s))
               OR (o.status = 'cancelled' AND r.status IN ('reserved', 'confirmed'))""",
    ),
    _Invariant(
        "I5",
        "payments agree with their ledger, and no payment is refunded more than was captured",
        "SELECT count(*) FROM payments.payments",
        """SELECT p.id FROM payments.payments p
             LEFT JOIN LATERAL (
                  SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'charge'), 0) AS taken,
                         coalesce(-sum(amount_minor) FILTER (WHERE kind = 'refund'), 0) AS returned
                    FROM payments.ledger l WHERE l.payment_id = p.id) m ON true
            WHERE p.captured_minor <> m.taken OR p.refunded_minor <> m.returned OR m.returned > m.taken""",
    ),
    _Invariant(
        "I8",
        "one order per idempotency key",
        "SELECT count(*) FROM idempotency.keys WHERE operation = 'POST /orders'",
        """SELECT k.resource_id FROM idempotency.keys k LEFT JOIN orders.orders o ON o.id = k.resource_id
            WHERE k.operation = 'POST /orders'
            GROUP BY k.resource_id HAVING count(*) > 1 OR count(o.id) = 0""",
    ),
    _Invariant(
        "I12",
        "no command, event or message stays undelivered",
        "SELECT (SELECT count(*) FROM orders.outbox) + (SELECT count(*) FROM notifications.notifications)"
        " + (SELECT count(*) FROM identity.messages)",
        """SELECT what FROM (
             SELECT 'command ' || id AS what, created_at FROM orders.outbox WHERE done_at IS NULL
             UNION ALL SELECT 'event ' || id, at FROM orders.events WHERE notified_at IS NULL
             UNION ALL SELECT 'message ' || id, created_at FROM notifications.notifications WHERE status = 'queued'
             UNION ALL SELECT 'account message ' || id, created_at FROM identity.messages
           ) waiting WHERE created_at < now() - make_interval(secs => %(lag)s)""",
    ),
)
