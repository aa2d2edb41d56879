"""Operators sign in with a second factor: its secret, recovery codes, and the role for which a session was opened.

Sessions that are open now have the role buyer: an operator's account enrols a second factor and signs in again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_REASONS = (
    "logout",
    "ended_by_user",
    "token_reused",
    "password_changed",
    "password_reset",
    "identifier_confirmed",
    "disabled",
    "too_many",
    "role_changed",
    "second_factor_changed",
)


def upgrade() -> None:
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity.users.id"], name=op.f("fk_second_factors_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
        schema="identity",
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity.users.id"], name=op.f("fk_recovery_codes_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "hash", name=op.f("pk_recovery_codes")),
        schema="identity",
    )
    op.add_column(
        "sessions",
        sa.Column("role", sa.String(16), server_default=sa.text("'buyer'"), nullable=False),
        schema="identity",
    )
    op.create_check_constraint(op.f("ck_sessions_role"), "sessions", "role IN ('buyer', 'operator')", schema="identity")
    op.drop_constraint(op.f("ck_sessions_end_reason"), "sessions", schema="identity", type_="check")
    op.create_check_constraint(
        op.f("ck_sessions_end_reason"),
        "sessions",
        f"end_reason IS NULL OR end_reason IN ({', '.join(repr(reason) for reason in _REASONS)})",
        schema="identity",
    )
