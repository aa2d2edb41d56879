"""Invariants of the stock: I1 and I2."""

from __future__ import annotations

from services.archived_rows import archived, either
from services.reconcile.invariants.invariant import Invariant

_LINES = "SELECT count(*) FROM reservations.lines"
_HELD = """
    SELECT l.product_id, coalesce(sum(l.quantity) FILTER (WHERE r.status = 'reserved'), 0) AS open,
           coalesce(sum(l.quantity) FILTER (WHERE r.status = 'confirmed' AND r.restocked_at IS NULL), 0) AS confirmed
      FROM reservations.lines l JOIN reservations.reservations r ON r.id = l.reservation_id
     GROUP BY l.product_id
    """
_SKU = "coalesce(c.sku, cast(s.product_id AS text)) AS sku"

STOCK = (
    Invariant(
        "I1",
        "stock is never negative and adds up to its total",
        "SELECT count(*) FROM reservations.stocks",
        f"""
        SELECT s.product_id, {_SKU}, s.total, s.available, s.reserved, s.sold
          FROM reservations.stocks s LEFT JOIN catalog.products c ON c.id = s.product_id
         WHERE s.available < 0 OR s.reserved < 0 OR s.sold < 0 OR s.total <> s.available + s.reserved + s.sold
        """,  # noqa: S608 - only constants of this module
        "Product {sku} has {total} units, but {available} available, {reserved} reserved and {sold} sold.",
    ),
    Invariant(
        "I1",
        "the movements of a stock add up to its total",
        "SELECT count(*) FROM reservations.movements",
        f"""
        WITH moved AS (
            SELECT product_id, sum(change) AS moved FROM reservations.movements GROUP BY product_id)
        SELECT s.product_id, {_SKU}, coalesce(s.total, 0) AS total, coalesce(m.moved, 0) AS moved
          FROM (SELECT product_id, stocks.total FROM reservations.stocks FULL JOIN moved USING (product_id)) s
          LEFT JOIN moved m USING (product_id)
          LEFT JOIN catalog.products c ON c.id = s.product_id
         WHERE coalesce(s.total, 0) <> coalesce(m.moved, 0)
        """,  # noqa: S608 - only constants of this module
        "Product {sku} has {total} units, but its movements add up to {moved}.",
    ),
    Invariant(
        "I2",
        "reserved units equal open reservations, sold units equal confirmed ones that were not returned to stock",
        f"SELECT ({_LINES}) + ({archived(_LINES)})",
        f"""
        WITH held AS (
            SELECT product_id, sum(open) AS open, sum(confirmed) AS confirmed FROM ({either(_HELD)}) AS of_either
             GROUP BY product_id)
        SELECT s.product_id, {_SKU}, s.reserved, s.sold, coalesce(h.open, 0) AS open,
               coalesce(h.confirmed, 0) AS confirmed
          FROM reservations.stocks s LEFT JOIN held h USING (product_id)
          LEFT JOIN catalog.products c ON c.id = s.product_id
         WHERE s.reserved <> coalesce(h.open, 0) OR s.sold <> coalesce(h.confirmed, 0)
        """,  # noqa: S608 - only constants of this module
        "Product {sku} has {reserved} units reserved and {sold} sold, but open reservations hold {open} and"
        " confirmed ones {confirmed}.",
    ),
)
