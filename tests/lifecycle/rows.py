# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""The rows of one order: captured, and put back, so that every event can be tried in every state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import psycopg

#: The tables that hold an order, referenced tables first.
TABLES = (
    "orders.orders",
    "orders.lines",
    "orders.events",
    "orders.outbox",
    "payments.payment_locks",
    "payments.payments",
    "payments.refunds",
    "payments.ledger",
    "payments.inbox",
    "reservations.stocks",
    "reservations.reservations",
    "reservations.lines",
)

#: The rows of each table as JSON.
Rows = Mapping[str, str]

_CAPTURE = "SELECT " + ", ".join(
    f"coalesce((SELECT jsonb_agg(to_jsonb(t) ORDER BY to_jsonb(t)) FROM {table} t), '[]')::text" for table in TABLES
)
_DELETE = {table: f"DELETE FROM {table}" for table in TABLES}
_INSERT = {
    table: f"INSERT INTO {table} OVERRIDING SYSTEM VALUE"
    f" SELECT * FROM jsonb_populate_recordset(cast(null AS {table}), cast(%s AS jsonb))"
    for table in TABLES
}


class RowStore:
    """Reads and replaces all rows of `TABLES` on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)

    def close(self) -> None:
        self._connection.close()

    def version(self) -> int:
        """A number that grows with every transaction that writes."""
        row: Any = self._connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
        return int(row[0])

    def capture(self) -> Rows:
        """The rows as they are now."""
        row: Any = self._connection.execute(_CAPTURE).fetchone()
        return dict(zip(TABLES, row, strict=True))

    def restore(self, rows: Rows, present: Rows) -> None:
        """Put rows back; `present`: what the tables hold now, so that equal tables are left alone."""
        changed = [table for table in TABLES if rows[table] != present[table]]
        changed = [table for table in TABLES if table in _with_references(changed)]
        with self._connection.pipeline(), self._connection.transaction():
            for table in reversed(changed):
                self._connection.execute(_DELETE[table])
            for table in changed:
                self._connection.execute(_INSERT[table], (rows[table],))


def parsed(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """The rows by table, for reading."""
    return {table: json.loads(text) for table, text in rows.items()}


#: Tables whose rows refer to rows of another table.
_REFERRING = {
    "orders.orders": ("orders.lines", "orders.events", "orders.outbox"),
    "payments.payments": ("payments.refunds", "payments.ledger"),
    "payments.refunds": ("payments.ledger",),
    "reservations.stocks": ("reservations.lines",),
    "reservations.reservations": ("reservations.lines",),
}


def _with_references(tables: list[str]) -> set[str]:
    """The tables, and those that refer to them: their rows are deleted first and inserted again."""
    return {*tables, *(referring for table in tables for referring in _REFERRING.get(table, ()))}
