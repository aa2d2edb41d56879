"""A payment keeps the lines of its fiscal receipt, for the receipts of its refunds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("receipt_lines", postgresql.JSONB(), nullable=True)
    op.add_column("payments", column, schema="payments")
