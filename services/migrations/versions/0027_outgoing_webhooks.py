"""Outgoing webhooks: endpoints, the messages to each, and the attempts to deliver them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA webhooks")
    _endpoints()
    _deliveries()
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _moment("at", now=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(200), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhooks.deliveries.id"], name=op.f("fk_attempts_delivery_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_attempts")),
        schema="webhooks",
    )


def _moment(name: str, *, now: bool = False) -> sa.Column:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def _endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("event_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        _moment("previous_secret_until"),
        sa.Column("disabled_reason", sa.String(16), nullable=True),
        _moment("disabled_at"),
        _moment("failing_since"),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _moment("paused_until"),
        _moment("created_at", now=True),
        sa.CheckConstraint(
            "disabled_reason IS NULL OR disabled_reason IN ('operator', 'gone', 'failing')",
            name=op.f("ck_endpoints_disabled_reason"),
        ),
        sa.CheckConstraint("cardinality(event_types) > 0", name=op.f("ck_endpoints_event_types")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
        schema="webhooks",
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.String(64), nullable=False),
        sa.Column("event_type", sa.String(32), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _moment("due_at", now=True),
        _moment("created_at", now=True),
        _moment("finished_at"),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(200), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'delivered', 'failed', 'skipped')", name=op.f("ck_deliveries_status")
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhooks.endpoints.id"], name=op.f("fk_deliveries_endpoint_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        schema="webhooks",
    )
    for name, columns, options in (
        ("uq_deliveries_message", ["endpoint_id", "message_id"], {"unique": True}),
        ("ix_deliveries_waiting", ["endpoint_id", "due_at", "id"], {"postgresql_where": sa.text("status = 'waiting'")}),
        (
            "ix_deliveries_failed",
            ["endpoint_id", "created_at"],
            {"postgresql_where": sa.text("status IN ('failed', 'skipped')")},
        ),
        ("ix_deliveries_endpoint_id_id", ["endpoint_id", "id"], {}),
        ("ix_deliveries_order_id", ["order_id"], {}),
        ("ix_deliveries_created_at", ["created_at"], {}),
    ):
        op.create_index(name, "deliveries", columns, schema="webhooks", **options)
