"""Rename columns and a table whose names did not say what they hold; no data changes."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("events", "told_at", new_column_name="notified_at", schema="orders")
    op.execute("ALTER INDEX orders.ix_events_untold RENAME TO ix_events_pending_notification")
    op.alter_column("refunds", "told_at", new_column_name="reported_at", schema="payments")
    op.execute("ALTER INDEX payments.ix_refunds_untold RENAME TO ix_refunds_unreported")
    op.alter_column("refunds", "call_until", new_column_name="claimed_until", schema="payments")
    op.alter_column("refunds", "by_hand", new_column_name="manual_reference", schema="payments")
    op.alter_column("payments", "call_until", new_column_name="claimed_until", schema="payments")
    op.alter_column("payments", "settles_by", new_column_name="pending_until", schema="payments")
    op.alter_column("payments", "surplus", new_column_name="captured_late", schema="payments")
    op.rename_table("doors", "payment_locks", schema="payments")
    op.execute("ALTER INDEX payments.pk_doors RENAME TO pk_payment_locks")
