"""The entries of a refund are found by an index, when the refund is moved to the archive."""

import sqlalchemy as sa

from services.migrations.online import create_index

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index(
        "ix_ledger_refund_id",
        "ledger",
        ["refund_id"],
        schema="payments",
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )
