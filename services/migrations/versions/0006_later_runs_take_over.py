"""Later runs take orders over from earlier ones; recovery counts its starts; attention has details."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("claimed_since", sa.DateTime(timezone=True), nullable=True), schema="orders")
    op.add_column("orders", sa.Column("recovered_at", sa.DateTime(timezone=True), nullable=True), schema="orders")
    op.add_column(
        "orders", sa.Column("recoveries", sa.Integer(), server_default=sa.text("0"), nullable=False), schema="orders"
    )
    op.add_column(
        "orders",
        sa.Column("attention_details", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        schema="orders",
    )
