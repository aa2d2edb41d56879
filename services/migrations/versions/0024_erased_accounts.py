"""Accounts that were erased; every message has the keyed hash of its recipient, so that those of a person are found."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("by IN ('person', 'operator')", name=op.f("ck_erasures_by")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erasures")),
        schema="identity",
    )
    op.create_table(
        "erased_buyers",
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("buyer_id", name=op.f("pk_erased_buyers")),
        schema="orders",
    )
    # A constant default rewrites no rows. Until now a hash meant that the message counts.
    counted = sa.Column("budget_counted", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    op.add_column("notifications", counted, schema="notifications")
