"""Tokens without a session have a row, by which they are listed and revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "minted_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('service', 'operator')", name=op.f("ck_minted_tokens_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minted_tokens")),
        schema="identity",
    )
    op.create_index("ix_minted_tokens_expires_at", "minted_tokens", ["expires_at"], unique=False, schema="identity")
