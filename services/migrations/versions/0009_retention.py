"""Rows are deleted by age: indexes on their times; the recipient of a message may be null."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False, schema="identity")
    op.create_index(
        "ix_tokens_code_expires_at",
        "tokens",
        ["expires_at"],
        unique=False,
        schema="identity",
        postgresql_where=sa.text("kind <> 'refresh'"),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"], unique=False, schema="payments")
    op.create_index(
        "ix_outbox_done_at",
        "outbox",
        ["done_at"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )
    op.alter_column("notifications", "recipient", existing_type=sa.LargeBinary(), nullable=True, schema="notifications")
    op.create_index(
        "ix_notifications_recipient",
        "notifications",
        ["created_at"],
        unique=False,
        schema="notifications",
        postgresql_where=sa.text("status <> 'queued' AND recipient IS NOT NULL"),
    )
