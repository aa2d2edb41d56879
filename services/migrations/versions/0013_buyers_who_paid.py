"""Whether a buyer has paid before is found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_orders_paid",
        "orders",
        ["buyer_id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("paid_by IS NOT NULL"),
    )
