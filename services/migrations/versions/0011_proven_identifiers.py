"""Proofs of identifiers: what each token proves, which session asked for it, and the request that replaced it.

A process of the version before ends sessions for a refresh that is repeated here. Reset tokens that were sent before
the migration are invalid: the person requests another.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("claimed_with", sa.String(8), nullable=True), schema="identity")
    op.create_check_constraint(
        op.f("ck_users_claimed_with"),
        "users",
        "claimed_with IS NULL OR claimed_with IN ('email', 'phone')",
        schema="identity",
    )
    op.add_column("tokens", sa.Column("key_hash", sa.LargeBinary(), nullable=True), schema="identity")
    op.drop_constraint(op.f("ck_tokens_session"), "tokens", schema="identity", type_="check")
    op.create_check_constraint(
        op.f("ck_tokens_session"), "tokens", "kind <> 'refresh' OR session_id IS NOT NULL", schema="identity"
    )
    op.add_column(
        "password_reset_tokens", sa.Column("identifier_hash", sa.LargeBinary(), nullable=True), schema="identity"
    )
