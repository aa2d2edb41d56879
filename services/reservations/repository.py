# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""SQL of reservations: single statements that lock the reservation first, then stock in product order."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.archived_rows import either
from services.clock import NOW
from services.db import Executor
from services.reservations.records import HoldRow, ReservationRow
from services.reservations.views import Item, ReservationView


class ReservationRepository:
    """Statements on the caller's transaction or database."""

    def __init__(self, db: Executor) -> None:
        self._db = db

    def take(
        self, reservation_id: UUID, order_id: UUID, items: Sequence[Item], seconds: int, pinned: bool
    ) -> HoldRow | None:
        """Insert the reservation and move every line from available to reserved, in one statement.

        None when the order has a reservation already; nothing is written then. When the result has shortages, the
        reservation is incomplete: the caller must roll the transaction back.
        """
        values = {
            "id": reservation_id,
            "order_id": order_id,
            "products": [item.product_id for item in items],
            "quantities": [item.quantity for item in items],
            "seconds": seconds,
            "pinned": pinned,
        }
        return self._db.fetch_one(_TAKE, values, into=HoldRow)

    def find_by_order(self, order_id: UUID) -> ReservationView | None:
        """The order's reservation, or None."""
        return self._one(_FIND_BY_ORDER, order_id=order_id)

    def find(self, reservation_id: UUID) -> ReservationView | None:
        """The reservation, or None."""
        return self._one(_FIND, id=reservation_id)

    def holds_goods(self, order_id: UUID) -> bool:
        """Whether the order's lines are still counted as reserved or sold; an expired hold is until it is ended."""
        return bool(self._db.fetch_value(_HOLDS_GOODS, {"order_id": order_id}))

    def pin(self, order_id: UUID) -> ReservationView | None:
        """Stop the order's live hold from expiring; None when it has no live hold."""
        return self._one(_PIN, order_id=order_id)

    def extend(self, order_id: UUID, seconds: int) -> ReservationView | None:
        """Move the live hold's expiry to `seconds` from now if that is later; None when the order has no live hold."""
        return self._one(_EXTEND, order_id=order_id, seconds=seconds)

    def confirm(self, order_id: UUID) -> ReservationView | None:
        """Move the live hold's lines from reserved to sold; None when the order has no live hold."""
        return self._one(_CONFIRM, order_id=order_id)

    def release(self, order_id: UUID) -> ReservationView | None:
        """End the order's hold, expired or not, and move its lines to available; None when nothing is held."""
        return self._one(_RELEASE, order_id=order_id)

    def restock(self, order_id: UUID) -> bool:
        """Move the units of the order's confirmed reservation from sold to available, once; False when it was done."""
        return bool(self._db.fetch_value(_RESTOCK, {"order_id": order_id}))

    def insert_tombstone(self, reservation_id: UUID, order_id: UUID) -> ReservationView | None:
        """Insert a released reservation without lines; None when the order has a reservation already."""
        return self._one(_INSERT_TOMBSTONE, id=reservation_id, order_id=order_id)

    def sweep(self, limit: int) -> int:
        """End up to `limit` expired holds that no other transaction has locked; returns how many."""
        return int(self._db.fetch_value(_SWEEP, {"limit": limit}))

    def _one(self, statement: str, **values: object) -> ReservationView | None:
        row = self._db.fetch_one(statement, values, into=ReservationRow)
        return row.view() if row else None


# A subquery, because clock_timestamp() is volatile and would prevent the use of an index.
_MOMENT = f"(SELECT {NOW})"
_LIVE = f"r.status = 'reserved' AND (r.pinned OR r.expires_at > {_MOMENT})"
_LINES = """coalesce((SELECT jsonb_agg(jsonb_build_object('product_id', l.product_id, 'quantity', l.quantity))
                        FROM reservations.lines l WHERE l.reservation_id = r.id), '[]')"""
_COLUMNS = f"""r.id, r.order_id, r.created_at, r.expires_at, r.pinned, {_LINES} AS items,
               CASE WHEN r.status = 'reserved' AND NOT ({_LIVE}) THEN 'expired' ELSE r.status END AS status"""

# The reservation is inserted first, so that of two holds for one order the second stops at the unique index before it
# changes stock. The ordered lock before the UPDATE prevents deadlocks: `UPDATE … FROM` locks rows in any order.
_TAKE = f"""
    WITH wanted AS (
        SELECT * FROM unnest(cast(%(products)s AS uuid[]), cast(%(quantities)s AS bigint[])) AS w (product_id,
               quantity)),
    made AS (
        INSERT INTO reservations.reservations (id, order_id, status, pinned, created_at, expires_at)
        SELECT %(id)s, %(order_id)s, 'reserved', %(pinned)s, moment.at,
               moment.at + cast(%(seconds)s AS int) * interval '1 second'
          FROM {_MOMENT} AS moment (at)
        ON CONFLICT (order_id) DO NOTHING
        RETURNING created_at, expires_at),
    locked AS MATERIALIZED (
        SELECT product_id, available FROM reservations.stocks
         WHERE product_id = ANY (cast(%(products)s AS uuid[])) AND EXISTS (SELECT FROM made)
         ORDER BY product_id FOR NO KEY UPDATE),
    taken AS (
        UPDATE reservations.stocks s
           SET available = s.available - w.quantity, reserved = s.reserved + w.quantity
          FROM wanted w JOIN locked USING (product_id)
         WHERE s.product_id = w.product_id AND locked.available >= w.quantity
        RETURNING s.product_id, w.quantity),
    held AS (
        INSERT INTO reservations.lines (reservation_id, product_id, quantity)
        SELECT %(id)s, product_id, quantity FROM taken)
    SELECT made.created_at, made.expires_at, (
        SELECT jsonb_agg(jsonb_build_object('product_id', w.product_id, 'wanted', w.quantity,
                                            'available', coalesce(locked.available, 0)) ORDER BY w.product_id)
          FROM wanted w LEFT JOIN locked USING (product_id)
         WHERE coalesce(locked.available, 0) < w.quantity) AS shortages
      FROM made
    """
_FIND = either(f"SELECT {_COLUMNS} FROM reservations.reservations r WHERE r.id = %(id)s")
_FIND_BY_ORDER = either(f"SELECT {_COLUMNS} FROM reservations.reservations r WHERE r.order_id = %(order_id)s")
_HOLDS_GOODS = """
    SELECT EXISTS (SELECT FROM reservations.reservations
                    WHERE order_id = %(order_id)s AND status IN ('reserved', 'confirmed'))
    """
_PIN = f"""
    UPDATE reservations.reservations r SET pinned = true
     WHERE r.order_id = %(order_id)s AND {_LIVE} RETURNING {_COLUMNS}
    """
_EXTEND = f"""
    UPDATE reservations.reservations r
       SET expires_at = greatest(r.expires_at, {_MOMENT} + cast(%(seconds)s AS int) * interval '1 second')
     WHERE r.order_id = %(order_id)s AND {_LIVE} RETURNING {_COLUMNS}
    """


def _ending(guard: str, status: str, column: str) -> str:
    """SQL that ends the order's hold if `guard` is true, and moves its units from `reserved` to `column`."""
    return f"""
        WITH ended AS (
            UPDATE reservations.reservations r SET status = {status}, closed_at = {_MOMENT}
             WHERE r.order_id = %(order_id)s AND {guard} RETURNING {_COLUMNS}),
        {_moving("ended", column)}
        SELECT * FROM ended
        """


def _moving(ended: str, column: str, source: str = "reserved") -> str:
    """CTEs that move the units of the reservations in CTE `ended` from the column `source` to `column`."""
    return f"""
        held AS (
            SELECT l.product_id, sum(l.quantity) AS quantity
              FROM reservations.lines l JOIN {ended} ON l.reservation_id = {ended}.id GROUP BY l.product_id),
        locked AS MATERIALIZED (
            SELECT s.product_id FROM reservations.stocks s
             WHERE s.product_id IN (SELECT product_id FROM held) ORDER BY s.product_id FOR NO KEY UPDATE),
        moved AS (
            UPDATE reservations.stocks s SET {source} = s.{source} - h.quantity, {column} = s.{column} + h.quantity
              FROM held h JOIN locked USING (product_id) WHERE s.product_id = h.product_id)"""


_CONFIRM = _ending(_LIVE, "'confirmed'", "sold")
_RELEASE = _ending("r.status = 'reserved'", f"CASE WHEN {_LIVE} THEN 'released' ELSE 'expired' END", "available")
_RESTOCK = f"""
    WITH returned AS (
        UPDATE reservations.reservations r SET restocked_at = {_MOMENT}
         WHERE r.order_id = %(order_id)s AND r.status = 'confirmed' AND r.restocked_at IS NULL RETURNING r.id),
    {_moving("returned", "available", source="sold")}
    SELECT count(*) FROM returned
    """
_INSERT_TOMBSTONE = f"""
    INSERT INTO reservations.reservations AS r (id, order_id, status, pinned, created_at, closed_at)
    SELECT %(id)s, %(order_id)s, 'released', false, moment.at, moment.at FROM {_MOMENT} AS moment (at)
    ON CONFLICT (order_id) DO NOTHING RETURNING {_COLUMNS}
    """
_SWEEP = f"""
    WITH due AS MATERIALIZED (
        SELECT id FROM reservations.reservations
         WHERE status = 'reserved' AND NOT pinned AND expires_at <= {_MOMENT}
         ORDER BY expires_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED),
    ended AS (
        UPDATE reservations.reservations r SET status = 'expired', closed_at = {_MOMENT}
          FROM due WHERE r.id = due.id RETURNING r.id),
    {_moving("ended", "available")}
    SELECT count(*) AS ended FROM ended
    """
