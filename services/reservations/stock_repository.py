# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""SQL of stock and of the ledger of its movements; a statement that changes a total writes its movement too."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.reservations.views import Cause, MovementView, StockView


class StockRepository:
    """Statements on the caller's transaction or database."""

    def __init__(self, db: Executor) -> None:
        self._db = db

    def find(self, product_ids: Sequence[UUID]) -> list[StockView]:
        """The stock of those of the products that have a stock row."""
        return self._stocks(_FIND, products=list(product_ids))

    def page(self, after: UUID | None, limit: int) -> list[StockView]:
        """A page of stock in the order of product ids."""
        return self._stocks(_PAGE, after=after, limit=limit)

    def add(self, product_ids: Sequence[UUID], available: Sequence[int], cause: Cause) -> int:
        """Insert stock of products that have none; returns how many."""
        values = {"products": list(product_ids), "available": list(available), **_noted(cause)}
        return int(self._db.fetch_value(_ADD, values))

    def set(
        self, product_ids: Sequence[UUID], available: Sequence[int], cause: Cause, expected: int | None = None
    ) -> list[StockView]:
        """Set the available units of products; reserved and sold units stay. Returns the stock of those that changed.

        `expected`: only of products that have so many units now.
        """
        values = {"products": list(product_ids), "available": list(available), "expected": expected, **_noted(cause)}
        return self._stocks(_SET, **values)

    def adjust(self, movement_id: UUID, product_id: UUID, change: int, cause: Cause) -> StockView | None:
        """Add `change` to the available units; None when fewer than none would be left."""
        values = {"id": movement_id, "product_id": product_id, "change": change, **_noted(cause)}
        return self._db.fetch_one(_ADJUST, values, into=StockView)

    def movements(self, product_id: UUID, after: UUID | None, limit: int) -> list[MovementView]:
        """A page of a product's movements, the oldest first."""
        values = {"product_id": product_id, "after": after, "limit": limit}
        return self._db.fetch_all(_MOVEMENTS, values, into=MovementView)

    def _stocks(self, statement: str, **values: object) -> list[StockView]:
        return self._db.fetch_all(statement, values, into=StockView)


def _noted(cause: Cause) -> dict[str, object]:
    return {"kind": str(cause.kind), "reason": cause.reason, "by": cause.by}


_STOCK = "product_id, total, available, reserved, sold"
_FIND = f"SELECT {_STOCK} FROM reservations.stocks WHERE product_id = ANY (cast(%(products)s AS uuid[]))"
_PAGE = f"""
    SELECT {_STOCK} FROM reservations.stocks
     WHERE cast(%(after)s AS uuid) IS NULL OR product_id > cast(%(after)s AS uuid) ORDER BY product_id LIMIT %(limit)s
    """
_WANTED = "unnest(cast(%(products)s AS uuid[]), cast(%(available)s AS bigint[])) AS wanted (product_id, available)"
_MOVED = f"cast(%(kind)s AS text), cast(%(reason)s AS text), cast(%(by)s AS text), {NOW}"
# Rows are written in the order of product ids, so that parallel statements cannot deadlock.
_ADD = f"""
    WITH added AS (
        INSERT INTO reservations.stocks (product_id, total, available)
        SELECT product_id, available, available FROM {_WANTED} ORDER BY product_id
        ON CONFLICT (product_id) DO NOTHING RETURNING product_id, total),
    moved AS (
        INSERT INTO reservations.movements (product_id, change, kind, reason, "by", at)
        SELECT product_id, total, {_MOVED} FROM added WHERE total <> 0)
    SELECT count(*) FROM added
    """
# A product without a stock row has no units.
_SET = f"""
    WITH written AS (
        INSERT INTO reservations.stocks AS s (product_id, total, available)
        SELECT product_id, available, available FROM {_WANTED}
         WHERE coalesce(cast(%(expected)s AS bigint), 0) = 0
            OR EXISTS (SELECT FROM reservations.stocks present WHERE present.product_id = wanted.product_id)
         ORDER BY product_id
        ON CONFLICT (product_id) DO UPDATE
           SET available = excluded.available, total = excluded.available + s.reserved + s.sold
         WHERE s.available <> excluded.available AND s.available = coalesce(%(expected)s, s.available)
        RETURNING s.product_id, new.total, new.available, new.reserved, new.sold,
                  new.total - coalesce(old.total, 0) AS change),
    moved AS (
        INSERT INTO reservations.movements (product_id, change, kind, reason, "by", at)
        SELECT product_id, change, {_MOVED} FROM written WHERE change <> 0)
    SELECT {_STOCK} FROM written
    """
_ADJUST = f"""
    WITH written AS (
        INSERT INTO reservations.stocks AS s (product_id, total, available)
        SELECT wanted.product_id, greatest(wanted.change, 0), greatest(wanted.change, 0)
          FROM (SELECT cast(%(product_id)s AS uuid), cast(%(change)s AS bigint)) AS wanted (product_id, change)
         WHERE wanted.change > 0
            OR EXISTS (SELECT FROM reservations.stocks present WHERE present.product_id = wanted.product_id)
        ON CONFLICT (product_id) DO UPDATE
           SET available = s.available + %(change)s, total = s.total + %(change)s
         WHERE s.available + %(change)s >= 0
        RETURNING {_STOCK}),
    moved AS (
        INSERT INTO reservations.movements (id, product_id, change, kind, reason, "by", at)
        SELECT %(id)s, product_id, %(change)s, {_MOVED} FROM written)
    SELECT {_STOCK} FROM written
    """
_MOVEMENTS = """
    SELECT id, product_id, change, kind, reason, "by", at FROM reservations.movements
     WHERE product_id = %(product_id)s AND (cast(%(after)s AS uuid) IS NULL OR id > cast(%(after)s AS uuid))
     ORDER BY id LIMIT %(limit)s
    """
