"""Failed logins, messages of accounts, rates."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA limits")
    op.create_table(
        "login_failures",
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_login_failures")),
        schema="identity",
    )
    op.create_index("ix_login_failures_last_at", "login_failures", ["last_at"], unique=False, schema="identity")
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        schema="identity",
    )
    op.create_table(
        "coarse",
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("arrival", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("rule", "subject", name=op.f("pk_coarse")),
        schema="limits",
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_coarse_arrival", "coarse", ["arrival"], unique=False, schema="limits")
    op.create_table(
        "strict",
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("arrival", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("rule", "subject", name=op.f("pk_strict")),
        schema="limits",
    )
    op.create_index("ix_strict_arrival", "strict", ["arrival"], unique=False, schema="limits")
