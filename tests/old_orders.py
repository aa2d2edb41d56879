# ruff: noqa: S608 - every part put into a statement is a constant of this module, or a name from the catalog
"""Makes what a test has ordered old, as if nothing had happened to it for 400 days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.archived_rows import TABLES, archived
from services.clock import new_id
from services.db import Database

AGE = 400
#: A date between the old orders and the new ones.
BEFORE = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=100)
_TIMES = """
    SELECT string_agg(format('%%1$I = %%1$I - make_interval(days => %%2$s)', a.attname, cast(%(age)s AS text)), ', ')
      FROM pg_attribute a WHERE a.attrelid = cast(%(table)s AS regclass) AND a.atttypid = cast('timestamptz' AS regtype)
    """
_DELIVERED = (
    "orders.events SET notified_at = now() WHERE notified_at IS NULL",
    "orders.outbox SET done_at = now() WHERE done_at IS NULL",
    "payments.refunds SET reported_at = now() WHERE reported_at IS NULL",
    "notifications.notifications SET recipient = NULL, budget_subject = NULL, status = 'sent' WHERE true",
)
_COLUMNS = """
    SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
     WHERE attrelid = cast('orders.orders' AS regclass) AND attnum > 0 AND NOT attisdropped AND attname <> 'id'
    """


def old_order_ids(patched: pytest.MonkeyPatch) -> None:
    """Orders that are placed from now on have ids of that time."""
    patched.setattr("services.orders.service.new_id", old_id)


def old_id() -> UUID:
    """A UUIDv7 of 400 days ago."""
    return UUID(int=new_id().int - (AGE * 86_400_000 << 80))


def make_old(database: Database, only: Sequence[UUID] | None = None) -> None:
    """Everything is delivered, its messages have no recipient any more, and its times are of 400 days ago.

    `only`: of these orders.
    """
    orders = database.fetch_column("SELECT id FROM orders.orders") if only is None else list(only)
    reserved = "SELECT id FROM reservations.reservations WHERE order_id = ANY(%(orders)s)"
    of = {"orders": orders, "reservations": database.fetch_column(reserved, {"orders": orders})}
    for change in _DELIVERED:
        database.execute(f"UPDATE {change} AND order_id = ANY(%(orders)s)", of)
    for table, belongs in {**TABLES, "orders.outbox": "order_id = ANY(%(orders)s)"}.items():
        change = database.fetch_value(_TIMES, {"age": AGE, "table": table})
        if change:
            database.execute(f"UPDATE {table} SET {change} WHERE {belongs}", of)


def with_old_id(database: Database, order_id: UUID) -> UUID:
    """Give an order, with all of its rows, an id of 400 days ago; returns it."""
    values, columns = {"old": old_id(), "now": order_id}, database.fetch_value(_COLUMNS)
    copy = f"INSERT INTO orders.orders (id, {columns}) SELECT %(old)s, {columns} FROM orders.orders WHERE id = %(now)s"
    database.execute(copy, values)
    for table in {*TABLES, "orders.outbox"} - {"orders.orders", "reservations.lines"}:
        database.execute(f"UPDATE {table} SET order_id = %(old)s WHERE order_id = %(now)s", values)
    database.execute("DELETE FROM orders.orders WHERE id = %(now)s", values)
    return values["old"]


def rows(database: Database) -> Mapping[str, tuple[int, int]]:
    """How many rows each table and its archive have."""
    counts: dict[str, Any] = {}
    for table in TABLES:
        statement = f"SELECT count(*) FROM {table}"
        counts[table] = database.fetch_value(statement), database.fetch_value(archived(statement))
    return counts
