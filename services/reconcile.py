"""Checks what must always be true (contract, section 4) in our own tables, in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import text

from services.db import Sessions

#: How many violations of one invariant are named.
NAMED = 20


@dataclass(frozen=True)
class Check:
    """One invariant: its id in the contract, what it says, how much was looked at, and who breaks it."""

    id: str
    says: str
    looked_at: int
    violations: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.violations


def check_tables(sessions: Sessions, lag_seconds: float = 60) -> list[Check]:
    """Every invariant that our tables alone can show; what is younger than the lag may still be on its way."""
    with sessions.begin() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        checks = []
        for id_, says, total, broken in INVARIANTS:
            values = {"lag": lag_seconds, "named": NAMED}
            looked_at = int(session.execute(text(total)).scalar_one())
            found = session.execute(text(f"{broken} LIMIT :named"), _used(values, broken)).scalars()
            checks.append(Check(id_, says, looked_at, [str(violation) for violation in found]))
        return checks


def _used(values: dict[str, float], statement: str) -> dict[str, float]:
    return {name: value for name, value in values.items() if name == "named" or f":{name}" in statement}


_HELD = """
    SELECT l.product_id,
           coalesce(sum(l.quantity) FILTER (WHERE r.status = 'reserved'), 0) AS held,
           coalesce(sum(l.quantity) FILTER (WHERE r.status = 'confirmed'), 0) AS sold
      FROM reservations.lines l JOIN reservations.reservations r ON r.id = l.reservation_id
     GROUP BY l.product_id"""

_KEPT = "SELECT order_id, sum(amount_minor) AS kept FROM payments.ledger GROUP BY order_id"

#: Id, what it says, how much there is, and a query for who breaks it.
INVARIANTS: tuple[tuple[str, str, str, str], ...] = (
    (
        "I1",
        "stock is never negative and adds up to its total",
        "SELECT count(*) FROM reservations.stocks",
        "SELECT product_id FROM reservations.stocks"
        " WHERE available < 0 OR reserved < 0 OR sold < 0 OR total <> available + reserved + sold",
    ),
    (
        "I2",
        "reserved is what is held, sold is what is confirmed",
        "SELECT count(*) FROM reservations.lines",
        f"SELECT s.product_id FROM reservations.stocks s LEFT JOIN ({_HELD}) h USING (product_id)"  # noqa: S608
        " WHERE s.reserved <> coalesce(h.held, 0) OR s.sold <> coalesce(h.sold, 0)",
    ),
    (
        "I3",
        "every order ends once, by a path of the graph",
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
    (
        "I4",
        "the money kept is the total less an operator's refunds if confirmed, and nothing if cancelled",
        "SELECT count(*) FROM orders.orders WHERE status IN ('confirmed', 'cancelled')",
        f"""SELECT o.id FROM orders.orders o LEFT JOIN ({_KEPT}) k ON k.order_id = o.id
              LEFT JOIN payments.payments p ON p.id = o.paid_by
             WHERE (o.status = 'confirmed'
                    AND coalesce(k.kept, 0) <> o.total_minor - coalesce(p.refunded_minor, 0))
                OR (o.status = 'cancelled' AND coalesce(k.kept, 0) <> 0)""",  # noqa: S608
    ),
    (
        "I4",
        "goods go with money: confirmed orders have their goods, cancelled ones hold none",
        "SELECT count(*) FROM reservations.reservations",
        """SELECT o.id FROM orders.orders o LEFT JOIN reservations.reservations r ON r.order_id = o.id
            WHERE (o.status = 'confirmed' AND r.status IS DISTINCT FROM 'confirmed'
                   AND o.updated_at < now() - make_interval(secs => :lag))
               OR (o.status = 'cancelled' AND r.status IN ('reserved', 'confirmed'))""",
    ),
    (
        "I5",
        "payments agree with their ledger, and a charge is given back at most once",
        "SELECT count(*) FROM payments.payments",
        """SELECT p.id FROM payments.payments p
             LEFT JOIN LATERAL (
                  SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'charge'), 0) AS taken,
                         coalesce(-sum(amount_minor) FILTER (WHERE kind = 'refund'), 0) AS returned
                    FROM payments.ledger l WHERE l.payment_id = p.id) m ON true
            WHERE p.captured_minor <> m.taken OR p.refunded_minor <> m.returned OR m.returned > m.taken""",
    ),
    (
        "I8",
        "one order per idempotency key",
        "SELECT count(*) FROM idempotency.keys WHERE operation = 'POST /orders'",
        """SELECT k.resource_id FROM idempotency.keys k LEFT JOIN orders.orders o ON o.id = k.resource_id
            WHERE k.operation = 'POST /orders'
            GROUP BY k.resource_id HAVING count(*) > 1 OR count(o.id) = 0""",
    ),
    (
        "I12",
        "outbox, timeline and messages drain",
        "SELECT (SELECT count(*) FROM orders.outbox) + (SELECT count(*) FROM notifications.notifications)"
        " + (SELECT count(*) FROM identity.messages)",
        """SELECT what FROM (
             SELECT 'command ' || id AS what, created_at FROM orders.outbox WHERE done_at IS NULL
             UNION ALL SELECT 'event ' || id, at FROM orders.events WHERE notified_at IS NULL
             UNION ALL SELECT 'message ' || id, created_at FROM notifications.notifications WHERE status = 'queued'
             UNION ALL SELECT 'account message ' || id, created_at FROM identity.messages
           ) waiting WHERE created_at < now() - make_interval(secs => :lag)""",
    ),
)
