"""Makes old orders by SQL: the rows of one confirmed order are copied, in every table that has some."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

#: Orders of one transaction.
BATCH = 10_000
#: Old orders of one buyer.
ORDERS_PER_BUYER = 10


@dataclass(frozen=True)
class Table:
    """A table with rows of the copied order, and the columns that differ from copy to copy."""

    schema: str
    name: str
    #: which rows belong to the copied order
    rows: str
    differs: Mapping[str, str] = field(default_factory=dict)
    #: which copies have these rows
    copies: str = "true"
    #: the order in which rows are inserted: identity columns are numbered in it
    order: str = "b.n"


_ORDER, _PAYMENT = "order_id = %(order)s", "payment_id = %(payment)s"
_EMAIL = "'old-' || b.n || '@example.com'"

TABLES = (
    Table(
        "identity",
        "users",
        "id = %(buyer)s",
        {"id": "b.buyer_id", "email": _EMAIL, "email_canonical": _EMAIL},
        copies=f"b.n %% {ORDERS_PER_BUYER} = 0",
    ),
    Table("orders", "orders", "id = %(order)s", {"id": "b.order_id"}),
    Table("orders", "lines", _ORDER),
    Table("orders", "events", _ORDER, order="b.n, t.id"),
    Table("orders", "outbox", _ORDER),
    Table("reservations", "reservations", _ORDER, {"id": "b.reservation_id"}),
    Table("reservations", "lines", "reservation_id = %(reservation)s"),
    Table("payments", "payment_locks", _ORDER),
    Table("payments", "payments", _ORDER, {"id": "b.payment_id"}),
    Table("payments", "ledger", _ORDER),
    Table("payments", "inbox", _PAYMENT),
    Table("notifications", "notifications", _ORDER, {"id": "uuidv7(-b.age)"}),
)

_NEW_IDS = "replace(replace(t.{}, %(order)s::text, b.order_id::text), %(payment)s::text, b.payment_id::text)"
#: Columns that differ in every table that has them.
_DIFFERS = {
    "order_id": "b.order_id",
    "payment_id": "b.payment_id",
    "reservation_id": "b.reservation_id",
    "buyer_id": "b.buyer_id",
    "paid_by": "b.payment_id",
    "product_id": "CASE t.product_id WHEN %(product)s THEN b.product_a ELSE b.product_b END",
    "key": _NEW_IDS.format("key"),
    "start_input": f"CAST({_NEW_IDS.format('start_input::text')} AS jsonb)",
    "provider_id": "t.provider_id || '-' || b.n",
    "webhook_id": "t.webhook_id || '-' || b.n",
}

_TEMPLATE = """
    SELECT o.id AS order, o.buyer_id AS buyer, p.id AS payment, r.id AS reservation, l.product_id AS product
      FROM orders.orders o JOIN payments.payments p ON p.order_id = o.id
      JOIN reservations.reservations r ON r.order_id = o.id JOIN orders.lines l ON l.order_id = o.id
     WHERE o.status = 'confirmed' ORDER BY o.id, l.position LIMIT 1"""
_COLUMNS = """
    SELECT column_name AS name, data_type AS type FROM information_schema.columns
     WHERE table_schema = %s AND table_name = %s AND is_identity = 'NO' AND is_generated = 'NEVER'"""
# Later orders are newer, so that indexes grow at their end as they do in a shop.
_COPIES = """
    CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
    SELECT n, age, uuidv7(-age) AS order_id, uuidv7(-age) AS reservation_id, uuidv7(-age) AS payment_id,
           CAST(md5('buyer ' || n / %(per_buyer)s) AS uuid) AS buyer_id,
           (%(products)s)[1 + n %% %(number)s] AS product_a,
           (%(products)s)[1 + (n + 1 + n %% (%(number)s - 1)) %% %(number)s] AS product_b
      FROM (SELECT n, interval '400 days' - n * interval '30 seconds' AS age
              FROM generate_series(CAST(%(first)s AS integer), CAST(%(last)s AS integer)) AS n) AS numbered"""
_SELL = """
    WITH sold AS (
        UPDATE reservations.stocks s SET total = total + copied.units, sold = sold + copied.units
          FROM (SELECT product_id, sum(quantity) AS units
                  FROM reservations.lines l JOIN copies b USING (reservation_id) GROUP BY product_id) AS copied
         WHERE s.product_id = copied.product_id RETURNING s.product_id, copied.units)
    INSERT INTO reservations.movements (product_id, change, kind) SELECT product_id, units, 'adjustment' FROM sold"""


class OldOrders:
    """Adds old orders to a database that has at least one confirmed order of two lines."""

    def __init__(self, connection: psycopg.Connection, products: Sequence[UUID]) -> None:
        self._connection = connection
        self._products = list(products)
        self._template = _template(connection)
        self._inserts = [_insert(connection, table) for table in TABLES]
        self.count = 0

    def grow_to(self, count: int, made: Callable[[int], None]) -> None:
        """Add orders until there are `count` old ones; calls `made` with the number after every batch."""
        while self.count < count:
            last = min(self.count + BATCH, count) - 1
            self._add(self.count, last)
            self.count = last + 1
            made(self.count)
        # as after a night without load: statistics, visibility map and dirty pages are not left to the measurement
        self._connection.execute("VACUUM (ANALYZE)")
        self._connection.execute("CHECKPOINT")

    def _add(self, first: int, last: int) -> None:
        numbers = {"first": first, "last": last, "per_buyer": ORDERS_PER_BUYER, "number": len(self._products)}
        with self._connection.transaction():
            # the copies refer to each other as the original does: foreign keys need no check
            self._connection.execute("SET LOCAL session_replication_role = replica")
            self._connection.execute(_COPIES, numbers | {"products": self._products}, prepare=False)
            for insert in self._inserts:
                self._connection.execute(insert, self._template, prepare=False)
            self._connection.execute(_SELL, prepare=False)


def _template(connection: psycopg.Connection) -> dict[str, UUID]:
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_TEMPLATE).fetchone()
    if found is None:
        raise LookupError("there is no confirmed order to copy")
    return found


def _insert(connection: psycopg.Connection, table: Table) -> sql.Composed:
    columns = connection.execute(_COLUMNS, [table.schema, table.name]).fetchall()
    return sql.SQL(
        "INSERT INTO {into} ({columns})"
        " SELECT {values} FROM {into} t, copies b WHERE {rows} AND {copies} ORDER BY {order}"
    ).format(
        into=sql.Identifier(table.schema, table.name),
        columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        values=sql.SQL(", ").join(_value(table, name, type_) for name, type_ in columns),
        rows=sql.SQL(f"t.{table.rows}"),
        copies=sql.SQL(table.copies),
        order=sql.SQL(table.order),
    )


def _value(table: Table, name: str, type_: str) -> sql.Composable:
    if differing := {**_DIFFERS, **table.differs}.get(name):
        return sql.SQL(differing)
    if type_ == "timestamp with time zone":
        return sql.SQL("t.{} - b.age").format(sql.Identifier(name))
    return sql.SQL("t.{}").format(sql.Identifier(name))
