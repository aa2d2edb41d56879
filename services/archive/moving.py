# ruff: noqa: S608 - every part put into a statement is a constant of this module, or a name from the catalog
"""Moves orders with all of their rows between the tables and the archive, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.archived_rows import TABLES, archived, twin
from services.db import Executor
from services.errors import Unavailable

_RESERVATIONS = "SELECT id FROM reservations.reservations WHERE order_id = ANY (cast(%(orders)s AS uuid[]))"
_COLUMNS = """
    SELECT named.name, array_agg(cast(quote_ident(a.attname) AS text) ORDER BY a.attname) AS columns
      FROM unnest(cast(%(tables)s AS text[])) AS named (name)
      JOIN pg_attribute a ON a.attrelid = cast(named.name AS regclass) AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY named.name
    """
# The rows, and what they add up to: minor units by currency, and units of goods.
_CONTENT = """
    SELECT 'orders' AS what, currency, count(*) AS number, sum(total_minor) AS total
      FROM orders.orders WHERE id = ANY (cast(%(orders)s AS uuid[])) GROUP BY currency
    UNION ALL SELECT 'captured', currency, count(*), sum(captured_minor)
      FROM payments.payments WHERE order_id = ANY (cast(%(orders)s AS uuid[])) GROUP BY currency
    UNION ALL SELECT 'refunded', currency, count(*), sum(refunded_minor)
      FROM payments.payments WHERE order_id = ANY (cast(%(orders)s AS uuid[])) GROUP BY currency
    UNION ALL SELECT 'refunds', currency, count(*), sum(amount_minor)
      FROM payments.refunds WHERE order_id = ANY (cast(%(orders)s AS uuid[])) GROUP BY currency
    UNION ALL SELECT 'ledger', currency, count(*), sum(amount_minor)
      FROM payments.ledger WHERE order_id = ANY (cast(%(orders)s AS uuid[])) GROUP BY currency
    UNION ALL SELECT 'ordered', '', count(*), sum(quantity)
      FROM orders.lines WHERE order_id = ANY (cast(%(orders)s AS uuid[]))
    UNION ALL SELECT 'reserved', '', count(*), sum(quantity)
      FROM reservations.lines WHERE reservation_id = ANY (cast(%(reservations)s AS uuid[]))
    UNION ALL SELECT 'reservations', '', count(*), 0
      FROM reservations.reservations WHERE order_id = ANY (cast(%(orders)s AS uuid[]))
    UNION ALL SELECT 'events', '', count(*), sum(id)
      FROM orders.events WHERE order_id = ANY (cast(%(orders)s AS uuid[]))
    UNION ALL SELECT 'messages', '', count(*), 0
      FROM notifications.notifications WHERE order_id = ANY (cast(%(orders)s AS uuid[]))
     ORDER BY 1, 2
    """
_FORGET_COMMANDS = "DELETE FROM orders.outbox WHERE order_id = ANY (cast(%(orders)s AS uuid[]))"


class MovedWrongly(Exception):
    """The rows do not add up to the same on both sides: a bug, or a trigger. Nothing is moved."""


def move(tx: Executor, order_ids: Sequence[UUID], *, back: bool = False) -> list[Any]:
    """Move orders, which the caller has locked, to the archive, or `back`; returns what their rows add up to.

    Commands that were delivered are deleted: nothing else reads them. Raises MovedWrongly, Unavailable.
    """
    there, here = (archived, _same) if back else (_same, archived)
    reservations = tx.fetch_column(there(_RESERVATIONS), {"orders": list(order_ids)})
    values = {"orders": list(order_ids), "reservations": reservations}
    columns = _columns(tx)
    before = tx.fetch_all(there(_CONTENT), values)
    if not back:
        tx.execute(_FORGET_COMMANDS, values)
    # Rows arrive after, and leave before, those that their foreign keys name.
    for table in [*TABLES][:: -1 if back else 1]:
        source, target = (twin(table), table) if back else (table, twin(table))
        tx.execute(_moving(source, target, columns, TABLES[table]), values)
    if tx.fetch_all(here(_CONTENT), values) != before or any(
        row.number for row in tx.fetch_all(there(_CONTENT), values)
    ):
        raise MovedWrongly("The rows of a batch do not add up to the same in the archive: nothing of it was moved.")
    return before


def _moving(source: str, target: str, columns: dict[str, list[str]], rows: str) -> str:
    if columns[source] != columns[target]:
        # A migration of a later release has reached one of the two tables only.
        raise Unavailable(f"The columns of {source} and {target} differ: the schema is being changed.")
    names = ", ".join(columns[source])
    return f"""
        WITH moved AS (DELETE FROM {source} WHERE {rows} RETURNING {names})
        INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM moved
        """


def _columns(tx: Executor) -> dict[str, list[str]]:
    """The columns of every table as they are now: a later release may have added some that this one does not know."""
    tables = [name for table in TABLES for name in (table, twin(table))]
    return {row.name: row.columns for row in tx.fetch_all(_COLUMNS, {"tables": tables})}


def _same(statement: str) -> str:
    return statement
