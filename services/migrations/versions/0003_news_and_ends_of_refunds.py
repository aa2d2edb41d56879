"""News and ends of refunds."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "ledger",
        "kind",
        existing_type=sa.VARCHAR(length=8),
        type_=sa.String(length=12),
        existing_nullable=False,
        schema="payments",
    )
    op.drop_constraint(op.f("ck_ledger_sign"), "ledger", schema="payments", type_="check")
    op.create_check_constraint(
        op.f("ck_ledger_sign"),
        "ledger",
        "(kind = 'charge' AND amount_minor > 0) OR (kind IN ('refund', 'write_off') AND amount_minor < 0)",
        schema="payments",
    )
    op.add_column("refunds", sa.Column("by_hand", sa.String(length=200), nullable=True), schema="payments")
    op.add_column("refunds", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True), schema="payments")
    op.execute("UPDATE payments.refunds SET told_at = updated_at WHERE status <> 'pending'")
    op.create_index(
        "ix_refunds_pending",
        "refunds",
        ["updated_at"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_refunds_untold",
        "refunds",
        ["updated_at"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("told_at IS NULL AND status <> 'pending'"),
    )
