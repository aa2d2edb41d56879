"""Messages over a budget are suppressed: their status, and what counts against the budget of a recipient."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "notifications",
        "status",
        existing_type=sa.String(8),
        type_=sa.String(12),
        existing_nullable=False,
        schema="notifications",
    )
    op.drop_constraint(op.f("ck_notifications_status"), "notifications", schema="notifications")
    op.create_check_constraint(
        op.f("ck_notifications_status"),
        "notifications",
        "status IN ('queued', 'sent', 'failed', 'suppressed')",
        schema="notifications",
    )
    op.add_column("notifications", sa.Column("budget_subject", sa.LargeBinary(), nullable=True), schema="notifications")
    op.create_index(
        "ix_notifications_budget",
        "notifications",
        ["budget_subject", "created_at"],
        unique=False,
        schema="notifications",
        postgresql_where=sa.text("budget_subject IS NOT NULL"),
    )
    op.create_index(
        "ix_notifications_suppressed",
        "notifications",
        ["created_at"],
        unique=False,
        schema="notifications",
        postgresql_where=sa.text("status = 'suppressed'"),
    )
