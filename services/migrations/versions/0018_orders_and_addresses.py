"""Orders have a postal code and a return URL and are found by their number; a refund can return goods to stock."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("postal_code", sa.Text(), nullable=True), schema="orders")
    op.add_column("orders", sa.Column("return_url", sa.Text(), nullable=True), schema="orders")
    op.create_index("ix_orders_number", "orders", [sa.text("right(id::text, 8)")], unique=False, schema="orders")
    restock = sa.Column("restock", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("refunds", restock, schema="payments")
    restocked_at = sa.Column("restocked_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("reservations", restocked_at, schema="reservations")
