"""The archive of old orders: tables with the columns of those that orders are in, and when an order was moved back."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KEYS = {
    "notifications.notifications": "id",
    "reservations.lines": "reservation_id, product_id",
    "reservations.reservations": "id",
    "payments.ledger": "order_id, id",
    "payments.refunds": "id",
    "payments.payments": "id",
    "payments.payment_locks": "order_id",
    "orders.events": "order_id, id",
    "orders.lines": "order_id, product_id",
    "orders.orders": "id",
}
INDEXES = (
    ("ix_archived_orders_buyer_id_id", "archived_orders", ["buyer_id", "id"], "orders"),
    ("ix_archived_orders_number", "archived_orders", [sa.text("right(id::text, 8)")], "orders"),
    ("ix_archived_reservations_order_id", "archived_reservations", ["order_id"], "reservations"),
    ("ix_archived_payments_order_id", "archived_payments", ["order_id"], "payments"),
    ("uq_archived_payments_provider_id", "archived_payments", ["provider_id"], "payments"),
    ("ix_archived_payments_created_at", "archived_payments", ["created_at"], "payments"),
    ("ix_archived_refunds_order_id", "archived_refunds", ["order_id"], "payments"),
    ("ix_archived_refunds_payment_id", "archived_refunds", ["payment_id"], "payments"),
    ("uq_archived_refunds_provider_id", "archived_refunds", ["provider_id"], "payments"),
    ("ix_archived_refunds_created_at", "archived_refunds", ["created_at"], "payments"),
    ("ix_archived_notifications_order_id_id", "archived_notifications", ["order_id", "id"], "notifications"),
)


def upgrade() -> None:
    op.add_column("orders", sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True), schema="orders")
    for table, key in KEYS.items():
        schema, _, name = table.partition(".")
        op.execute(f"CREATE TABLE {schema}.archived_{name} (LIKE {table} INCLUDING DEFAULTS)")
        op.create_primary_key(f"pk_archived_{name}", f"archived_{name}", key.split(", "), schema=schema)
    for index, table, columns, schema in INDEXES:
        op.create_index(index, table, columns, schema=schema, unique=index.startswith("uq_"))
