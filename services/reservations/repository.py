# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""The SQL of reservations and stock: single statements that lock the reservation first, then stock in product order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlmodel import Session

from services.clock import NOW
from services.reservations.status import ReservationStatus
from services.reservations.views import Item, ReservationView, StockView


@dataclass(frozen=True)
class Taken:
    """A new reservation with, if the stock does not reach, what is short of it."""

    created_at: datetime
    expires_at: datetime
    #: `{"product_id", "wanted", "available"}` a product; empty when all lines are held
    short: Sequence[Mapping[str, Any]]


class ReservationRepository:
    """Statements in the caller's transaction; `now` is the moment of a test's clock, or None for the database's."""

    def __init__(self, session: Session, now: datetime | None) -> None:
        self._session = session
        self._now = now

    def _run(self, statement: TextClause, **values: object) -> Sequence[Row[Any]]:
        return self._session.execute(statement, {"now": self._now, **values}).all()

    def take(
        self, reservation_id: UUID, order_id: UUID, items: Sequence[Item], seconds: int, pinned: bool
    ) -> Taken | None:
        """Write the reservation and move every line from available to reserved, in one statement.

        None when the order has a reservation already; nothing is written then. When something is short, what was
        written is incomplete: the caller must leave the transaction by an error.
        """
        rows = self._run(
            _TAKE,
            id=reservation_id,
            order_id=order_id,
            products=[item.product_id for item in items],
            quantities=[item.quantity for item in items],
            seconds=seconds,
            pinned=pinned,
        )
        return Taken(rows[0].created_at, rows[0].expires_at, rows[0].short or ()) if rows else None

    def find_by_order(self, order_id: UUID) -> ReservationView | None:
        """The order's reservation as it is now."""
        return _only(self._run(_FIND_BY_ORDER, order_id=order_id))

    def find(self, reservation_id: UUID) -> ReservationView | None:
        """The reservation as it is now."""
        return _only(self._run(_FIND, id=reservation_id))

    def pin(self, order_id: UUID) -> ReservationView | None:
        """Stop the order's live hold from expiring; None when it has no live hold."""
        return _only(self._run(_PIN, order_id=order_id))

    def extend(self, order_id: UUID, seconds: int) -> ReservationView | None:
        """Move the live hold's end to `seconds` from now if that is later; None when the order has no live hold."""
        return _only(self._run(_EXTEND, order_id=order_id, seconds=seconds))

    def confirm(self, order_id: UUID) -> ReservationView | None:
        """Move the live hold's lines from reserved to sold; None when the order has no live hold."""
        return _only(self._run(_CONFIRM, order_id=order_id))

    def give_back(self, order_id: UUID) -> ReservationView | None:
        """End the order's hold, expired or not, and move its lines to available; None when nothing is held."""
        return _only(self._run(_GIVE_BACK, order_id=order_id))

    def bury(self, reservation_id: UUID, order_id: UUID) -> ReservationView | None:
        """Write a released reservation without lines; None when the order has one by now."""
        return _only(self._run(_BURY, id=reservation_id, order_id=order_id))

    def sweep(self, limit: int) -> int:
        """End up to `limit` expired holds that nobody else is working on; returns how many."""
        return int(self._run(_SWEEP, limit=limit)[0].ended)

    def stocks(self, product_ids: Sequence[UUID]) -> list[StockView]:
        """The stock of those of the products that have some."""
        return [_stock(row) for row in self._run(_STOCKS, products=list(product_ids))]

    def list_stocks(self, after: UUID | None, limit: int) -> list[StockView]:
        """A page of stock in the order of product ids."""
        return [_stock(row) for row in self._run(_LIST_STOCKS, after=after, limit=limit)]

    def add_stocks(self, product_ids: Sequence[UUID], available: Sequence[int]) -> int:
        """Insert stock of products that have none; returns how many."""
        return len(self._run(_ADD_STOCKS, products=list(product_ids), available=list(available)))

    def set_stock(self, product_id: UUID, available: int) -> StockView:
        """Set what is available of one product; what is reserved and sold stays."""
        return _stock(self._run(_SET_STOCK, product_id=product_id, available=available)[0])


def _only(rows: Sequence[Row[Any]]) -> ReservationView | None:
    if not rows:
        return None
    row = rows[0]
    items = tuple(sorted(Item(UUID(line["product_id"]), line["quantity"]) for line in row.items))
    status = ReservationStatus(row.status)
    return ReservationView(row.id, row.order_id, status, items, row.created_at, row.expires_at, row.pinned)


def _stock(row: Row[Any]) -> StockView:
    return StockView(row.product_id, row.total, row.available, row.reserved, row.sold)


# A moment is a subquery where an index is to serve it: the clock itself is volatile.
_MOMENT = f"(SELECT {NOW})"
_LIVE = f"r.status = 'reserved' AND (r.pinned OR r.expires_at > {_MOMENT})"
_LINES = """coalesce((SELECT jsonb_agg(jsonb_build_object('product_id', l.product_id, 'quantity', l.quantity))
                        FROM reservations.lines l WHERE l.reservation_id = r.id), '[]')"""
_COLUMNS = f"""r.id, r.order_id, r.created_at, r.expires_at, r.pinned, {_LINES} AS items,
               CASE WHEN r.status = 'reserved' AND NOT ({_LIVE}) THEN 'expired' ELSE r.status END AS status"""

# The reservation goes first, so that two holds of one order meet at its unique index before either touches stock.
# `UPDATE … FROM (subquery)` alone takes rows in any order and deadlocks; the sorted lock before it cannot.
_TAKE = text(
    f"""
    WITH wanted AS (
        SELECT * FROM unnest(cast(:products AS uuid[]), cast(:quantities AS bigint[])) AS w (product_id, quantity)),
    made AS (
        INSERT INTO reservations.reservations (id, order_id, status, pinned, created_at, expires_at)
        SELECT :id, :order_id, 'reserved', :pinned, moment.at, moment.at + cast(:seconds AS int) * interval '1 second'
          FROM {_MOMENT} AS moment (at)
        ON CONFLICT (order_id) DO NOTHING
        RETURNING created_at, expires_at),
    locked AS MATERIALIZED (
        SELECT product_id, available FROM reservations.stocks
         WHERE product_id = ANY (cast(:products AS uuid[])) AND EXISTS (SELECT FROM made)
         ORDER BY product_id FOR NO KEY UPDATE),
    taken AS (
        UPDATE reservations.stocks s
           SET available = s.available - w.quantity, reserved = s.reserved + w.quantity
          FROM wanted w JOIN locked USING (product_id)
         WHERE s.product_id = w.product_id AND locked.available >= w.quantity
        RETURNING s.product_id, w.quantity),
    kept AS (
        INSERT INTO reservations.lines (reservation_id, product_id, quantity)
        SELECT :id, product_id, quantity FROM taken)
    SELECT made.created_at, made.expires_at, (
        SELECT jsonb_agg(jsonb_build_object('product_id', w.product_id, 'wanted', w.quantity,
                                            'available', coalesce(locked.available, 0)) ORDER BY w.product_id)
          FROM wanted w LEFT JOIN locked USING (product_id)
         WHERE coalesce(locked.available, 0) < w.quantity) AS short
      FROM made
    """
)
_FIND = text(f"SELECT {_COLUMNS} FROM reservations.reservations r WHERE r.id = :id")
_FIND_BY_ORDER = text(f"SELECT {_COLUMNS} FROM reservations.reservations r WHERE r.order_id = :order_id")
_PIN = text(
    f"""
    UPDATE reservations.reservations r SET pinned = true
     WHERE r.order_id = :order_id AND {_LIVE} RETURNING {_COLUMNS}
    """
)
_EXTEND = text(
    f"""
    UPDATE reservations.reservations r
       SET expires_at = greatest(r.expires_at, {_MOMENT} + cast(:seconds AS int) * interval '1 second')
     WHERE r.order_id = :order_id AND {_LIVE} RETURNING {_COLUMNS}
    """
)


def _ending(guard: str, status: str, column: str) -> TextClause:
    """End the order's hold where `guard` holds, and move its units from `reserved` to `column`."""
    return text(
        f"""
        WITH ended AS (
            UPDATE reservations.reservations r SET status = {status}, closed_at = {_MOMENT}
             WHERE r.order_id = :order_id AND {guard} RETURNING {_COLUMNS}),
        {_moving("ended", column)}
        SELECT * FROM ended
        """
    )


def _moving(ended: str, column: str) -> str:
    return f"""
        held AS (
            SELECT l.product_id, sum(l.quantity) AS quantity
              FROM reservations.lines l JOIN {ended} ON l.reservation_id = {ended}.id GROUP BY l.product_id),
        locked AS MATERIALIZED (
            SELECT s.product_id FROM reservations.stocks s
             WHERE s.product_id IN (SELECT product_id FROM held) ORDER BY s.product_id FOR NO KEY UPDATE),
        moved AS (
            UPDATE reservations.stocks s SET reserved = s.reserved - h.quantity, {column} = s.{column} + h.quantity
              FROM held h JOIN locked USING (product_id) WHERE s.product_id = h.product_id)"""


_CONFIRM = _ending(_LIVE, "'confirmed'", "sold")
_GIVE_BACK = _ending("r.status = 'reserved'", f"CASE WHEN {_LIVE} THEN 'released' ELSE 'expired' END", "available")
_BURY = text(
    f"""
    INSERT INTO reservations.reservations AS r (id, order_id, status, pinned, created_at, closed_at)
    SELECT :id, :order_id, 'released', false, moment.at, moment.at FROM {_MOMENT} AS moment (at)
    ON CONFLICT (order_id) DO NOTHING RETURNING {_COLUMNS}
    """
)
_SWEEP = text(
    f"""
    WITH due AS MATERIALIZED (
        SELECT id FROM reservations.reservations
         WHERE status = 'reserved' AND NOT pinned AND expires_at <= {_MOMENT}
         ORDER BY expires_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED),
    ended AS (
        UPDATE reservations.reservations r SET status = 'expired', closed_at = {_MOMENT}
          FROM due WHERE r.id = due.id RETURNING r.id),
    {_moving("ended", "available")}
    SELECT count(*) AS ended FROM ended
    """
)
_STOCK = "product_id, total, available, reserved, sold"
_STOCKS = text(f"SELECT {_STOCK} FROM reservations.stocks WHERE product_id = ANY (cast(:products AS uuid[]))")
_LIST_STOCKS = text(
    f"""
    SELECT {_STOCK} FROM reservations.stocks
     WHERE cast(:after AS uuid) IS NULL OR product_id > cast(:after AS uuid) ORDER BY product_id LIMIT :limit
    """
)
_ADD_STOCKS = text(
    """
    INSERT INTO reservations.stocks (product_id, total, available)
    SELECT product_id, available, available
      FROM unnest(cast(:products AS uuid[]), cast(:available AS bigint[])) AS n (product_id, available)
     ORDER BY product_id
    ON CONFLICT (product_id) DO NOTHING RETURNING product_id
    """
)
_SET_STOCK = text(
    f"""
    INSERT INTO reservations.stocks AS s (product_id, total, available) VALUES (:product_id, :available, :available)
    ON CONFLICT (product_id) DO UPDATE
       SET available = excluded.available, total = excluded.available + s.reserved + s.sold
    RETURNING {_STOCK}
    """
)
