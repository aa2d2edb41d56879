"""Tables of the archive: the columns of the tables that they are twins of, and the indexes that reads need."""

from sqlalchemy import Column, Identity, Index, Table, text
from sqlmodel import SQLModel

from services import archived_rows
from services import table_names as table_names  # sets the names of constraints
from services.notifications import models as notifications
from services.orders import models as orders
from services.payments import models as payments
from services.reservations import models as reservations

#: The modules whose tables must be defined before those of the archive.
DEFINED_BY = (notifications, orders, payments, reservations)
#: The primary key of each table of the archive. That of events and of the ledger is in the order of an order's rows.
KEYS = {
    "notifications.notifications": ("id",),
    "reservations.lines": ("reservation_id", "product_id"),
    "reservations.reservations": ("id",),
    "payments.ledger": ("order_id", "id"),
    "payments.refunds": ("id",),
    "payments.payments": ("id",),
    "payments.payment_locks": ("order_id",),
    "orders.events": ("order_id", "id"),
    "orders.lines": ("order_id", "product_id"),
    "orders.orders": ("id",),
}


def _archive_of(name: str) -> Table:
    table = SQLModel.metadata.tables[name]
    columns = [_column(column, primary_key=column.name in KEYS[name]) for column in table.columns]
    schema, _, own = archived_rows.twin(name).partition(".")
    return Table(own, SQLModel.metadata, *columns, schema=schema)


def _column(column: Column[object], *, primary_key: bool) -> Column[object]:
    default = None if isinstance(column.server_default, Identity) else column.server_default
    return Column(
        column.name,
        column.type,
        primary_key=primary_key,
        nullable=column.nullable,
        server_default=default,
        autoincrement=False,
    )


_TABLES = {name: _archive_of(name) for name in archived_rows.TABLES}
_orders, _payments = _TABLES["orders.orders"], _TABLES["payments.payments"]
_refunds, _messages = _TABLES["payments.refunds"], _TABLES["notifications.notifications"]

Index("ix_archived_orders_buyer_id_id", _orders.c.buyer_id, _orders.c.id)
Index("ix_archived_orders_number", text("right(id::text, 8)"), _table=_orders)
Index("ix_archived_reservations_order_id", _TABLES["reservations.reservations"].c.order_id)
Index("ix_archived_payments_order_id", _payments.c.order_id)
Index("uq_archived_payments_provider_id", _payments.c.provider_id, unique=True)
Index("ix_archived_payments_created_at", _payments.c.created_at)
Index("ix_archived_refunds_order_id", _refunds.c.order_id)
Index("ix_archived_refunds_payment_id", _refunds.c.payment_id)
Index("uq_archived_refunds_provider_id", _refunds.c.provider_id, unique=True)
Index("ix_archived_refunds_created_at", _refunds.c.created_at)
Index("ix_archived_notifications_order_id_id", _messages.c.order_id, _messages.c.id)
