"""The tables of the archive of old orders, and statements that read archived orders too.

Each table that is named here has a twin with the same columns in its schema: `orders.orders` `orders.archived_orders`.
An order is in the one or in the other with all of its rows (docs/scaling.md, "Old orders").
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_OF_ORDER = "order_id = ANY (cast(%(orders)s AS uuid[]))"
#: Each table, and which of its rows belong to orders; a table comes before those that its foreign keys name.
TABLES: Mapping[str, str] = {
    "notifications.notifications": _OF_ORDER,
    "reservations.lines": "reservation_id = ANY (cast(%(reservations)s AS uuid[]))",
    "reservations.reservations": _OF_ORDER,
    "payments.ledger": _OF_ORDER,
    "payments.refunds": _OF_ORDER,
    "payments.payments": _OF_ORDER,
    "payments.payment_locks": _OF_ORDER,
    "orders.events": _OF_ORDER,
    "orders.lines": _OF_ORDER,
    "orders.orders": "id = ANY (cast(%(orders)s AS uuid[]))",
}
_NAMED = re.compile(rf"\b(?:{'|'.join(map(re.escape, TABLES))})\b")


def twin(table: str) -> str:
    """The archive of a table: `orders.archived_lines` of `orders.lines`."""
    schema, _, name = table.partition(".")
    return f"{schema}.archived_{name}"


def archived(statement: str) -> str:
    """The same statement over the archive."""
    return _NAMED.sub(lambda named: twin(named[0]), statement)


def either(statement: str, ending: str = "") -> str:
    """A SELECT that finds rows in the tables and in their archive.

    `ending`: its `ORDER BY` and `LIMIT`, by names of its columns.
    """
    return f"({statement} {ending}) UNION ALL ({archived(statement)} {ending}) {ending}"
