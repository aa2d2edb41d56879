"""The ledger is indexed by payment, and the reconciler's last results are stored.

With the index, the entries of one payment are found without reading the whole ledger. It is built in the transaction
of the migrations: entries cannot be written meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_ledger_payment_id", "ledger", ["payment_id"], schema="payments")
    op.execute("CREATE SCHEMA reconcile")
    op.create_table(
        "results",
        sa.Column("invariant", sa.String(8), nullable=False),
        sa.Column("violations", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("invariant", name=op.f("pk_results")),
        schema="reconcile",
    )
