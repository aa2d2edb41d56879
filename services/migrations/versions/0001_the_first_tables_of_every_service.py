"""The first tables of every service."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = ("catalog", "idempotency", "identity", "notifications", "orders", "payments", "reservations")


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "attributes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_products_currency")),
        sa.CheckConstraint("jsonb_typeof(attributes) = 'object'", name=op.f("ck_products_attributes")),
        sa.CheckConstraint("price_minor BETWEEN 1 AND 1000000000000", name=op.f("ck_products_price")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        schema="catalog",
    )
    op.create_index(
        "ix_products_active", "products", ["id"], unique=False, schema="catalog", postgresql_where=sa.text("is_active")
    )
    op.create_index("uq_products_sku", "products", ["sku"], unique=True, schema="catalog")
    op.create_table(
        "keys",
        sa.Column("caller", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("operation", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "operation", "key", name=op.f("pk_keys")),
        schema="idempotency",
    )
    op.create_index(op.f("ix_keys_created_at"), "keys", ["created_at"], unique=False, schema="idempotency")
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_canonical", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("email_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("phone_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("registered_with", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("role", sa.String(length=16), server_default=sa.text("'buyer'"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("registered_with IN ('email', 'phone')", name=op.f("ck_users_registered_with")),
        sa.CheckConstraint("role IN ('buyer', 'operator')", name=op.f("ck_users_role")),
        sa.CheckConstraint("(email IS NULL) = (email_canonical IS NULL)", name=op.f("ck_users_email")),
        sa.CheckConstraint("email IS NOT NULL OR NOT email_verified", name=op.f("ck_users_email_verified")),
        sa.CheckConstraint("email_canonical IS NOT NULL OR phone IS NOT NULL", name=op.f("ck_users_identified")),
        sa.CheckConstraint("phone IS NOT NULL OR NOT phone_verified", name=op.f("ck_users_phone_verified")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        schema="identity",
    )
    op.create_index("uq_users_email_canonical", "users", ["email_canonical"], unique=True, schema="identity")
    op.create_index("uq_users_phone", "users", ["phone"], unique=True, schema="identity")
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("variables", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("error_message", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('email', 'sms')", name=op.f("ck_notifications_channel")),
        sa.CheckConstraint("status IN ('queued', 'sent', 'failed')", name=op.f("ck_notifications_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        schema="notifications",
    )
    op.create_index(
        "ix_notifications_due",
        "notifications",
        ["due_at"],
        unique=False,
        schema="notifications",
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        op.f("ix_notifications_order_id"), "notifications", ["order_id"], unique=False, schema="notifications"
    )
    op.create_index("uq_notifications_key", "notifications", ["key"], unique=True, schema="notifications")
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=True),
        sa.Column("payment_method", sa.LargeBinary(), nullable=True),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("paid_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_by", sa.String(length=64), nullable=True),
        sa.Column("start_input", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cancel_reason", sa.String(length=20), nullable=True),
        sa.Column("cancel_note", sa.String(length=500), nullable=True),
        sa.Column("needs_attention", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attention_reason", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "cancel_reason IS NULL OR cancel_reason IN ('buyer_request', 'operator_request', 'out_of_stock', 'payment_declined', 'payment_expired', 'reservation_expired', 'internal')",
            name=op.f("ck_orders_cancel_reason"),
        ),
        sa.CheckConstraint(
            "status IN ('created', 'reserved', 'payment_pending', 'paid', 'confirmed', 'cancelling', 'cancelled')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint("total_minor BETWEEN 1 AND 1000000000000", name=op.f("ck_orders_total")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        schema="orders",
    )
    op.create_index("ix_orders_buyer_id_id", "orders", ["buyer_id", "id"], unique=False, schema="orders")
    op.create_index(
        "ix_orders_needs_attention",
        "orders",
        ["id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("needs_attention"),
    )
    op.create_index(
        "ix_orders_open",
        "orders",
        ["buyer_id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("status NOT IN ('confirmed', 'cancelled')"),
    )
    op.create_table(
        "doors",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_doors")),
        schema="payments",
    )
    op.create_table(
        "inbox",
        sa.Column("webhook_id", sa.String(length=160), nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("provider_id", sa.String(length=80), nullable=True),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_inbox")),
        schema="payments",
    )
    op.create_index("ix_inbox_payment_id", "inbox", ["payment_id"], unique=False, schema="payments")
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("provider_id", sa.String(length=80), nullable=True),
        sa.Column("call_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settles_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmation_url", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.String(length=64), nullable=True),
        sa.Column("failure_message", sa.String(length=500), nullable=True),
        sa.Column("captured_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("surplus", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'unknown', 'succeeded', 'failed', 'review', 'partially_refunded', 'refunded')",
            name=op.f("ck_payments_status"),
        ),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name=op.f("ck_payments_amount")),
        sa.CheckConstraint(
            "refunded_minor >= 0 AND captured_minor >= refunded_minor", name=op.f("ck_payments_refunded")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_payments_provider_id")),
        schema="payments",
    )
    op.create_index("uq_payments_attempt", "payments", ["order_id", "attempt"], unique=True, schema="payments")
    op.create_index(
        "uq_payments_live",
        "payments",
        ["order_id"],
        unique=True,
        schema="payments",
        postgresql_where=sa.text("status NOT IN ('failed', 'refunded') AND NOT surplus"),
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('reserved', 'confirmed', 'released', 'expired')", name=op.f("ck_reservations_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sa.UniqueConstraint("order_id", name=op.f("uq_reservations_order_id")),
        schema="reservations",
    )
    op.create_index(
        "ix_reservations_expiring",
        "reservations",
        ["expires_at"],
        unique=False,
        schema="reservations",
        postgresql_where=sa.text("status = 'reserved' AND NOT pinned"),
    )
    op.create_table(
        "stocks",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sold", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("available >= 0 AND reserved >= 0 AND sold >= 0", name=op.f("ck_stocks_not_negative")),
        sa.CheckConstraint("total = available + reserved + sold", name=op.f("ck_stocks_sum")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_stocks")),
        schema="reservations",
    )
    op.create_table(
        "credentials",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("parameters", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity.users.id"], name=op.f("fk_credentials_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_credentials")),
        schema="identity",
    )
    op.create_table(
        "password_reset_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity.users.id"], name=op.f("fk_password_reset_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_reset_tokens")),
        schema="identity",
    )
    op.create_index(
        "ix_password_reset_tokens_expires_at", "password_reset_tokens", ["expires_at"], unique=False, schema="identity"
    )
    op.create_index(
        op.f("ix_password_reset_tokens_user_id"), "password_reset_tokens", ["user_id"], unique=False, schema="identity"
    )
    op.create_index("uq_password_reset_tokens_hash", "password_reset_tokens", ["hash"], unique=True, schema="identity")
    op.create_index(
        "uq_password_reset_tokens_live",
        "password_reset_tokens",
        ["user_id"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("spent_at IS NULL"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=24), nullable=True),
        sa.CheckConstraint(
            "end_reason IS NULL OR end_reason IN ('logout', 'ended_by_user', 'token_reused', 'password_changed', 'password_reset', 'identifier_confirmed', 'disabled', 'too_many')",
            name=op.f("ck_sessions_end_reason"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_sessions_ended")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity.users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        schema="identity",
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False, schema="identity")
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.orders.id"], name=op.f("fk_events_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        schema="orders",
    )
    op.create_index(
        "ix_events_untold", "events", ["id"], unique=False, schema="orders", postgresql_where=sa.text("told_at IS NULL")
    )
    op.create_index("uq_events_once", "events", ["order_id", "key"], unique=True, schema="orders")
    op.create_table(
        "lines",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("price_minor BETWEEN 1 AND 1000000000000", name=op.f("ck_lines_price")),
        sa.CheckConstraint("quantity BETWEEN 1 AND 500000000", name=op.f("ck_lines_quantity")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.orders.id"], name=op.f("fk_lines_order_id")),
        sa.PrimaryKeyConstraint("order_id", "product_id", name=op.f("pk_lines")),
        schema="orders",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.orders.id"], name=op.f("fk_outbox_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        schema="orders",
    )
    op.create_index(
        "ix_outbox_undone",
        "outbox",
        ["order_id", "id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index("uq_outbox_once", "outbox", ["order_id", "key"], unique=True, schema="orders")
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("provider_id", sa.String(length=80), nullable=True),
        sa.Column("call_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_code", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name=op.f("ck_refunds_status")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payments.id"], name=op.f("fk_refunds_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_refunds_provider_id")),
        schema="payments",
    )
    op.create_index(op.f("ix_refunds_order_id"), "refunds", ["order_id"], unique=False, schema="payments")
    op.create_index("uq_refunds_number", "refunds", ["payment_id", "number"], unique=True, schema="payments")
    op.create_table(
        "lines",
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_lines_quantity")),
        sa.ForeignKeyConstraint(["product_id"], ["reservations.stocks.product_id"], name=op.f("fk_lines_product_id")),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.reservations.id"], name=op.f("fk_lines_reservation_id")
        ),
        sa.PrimaryKeyConstraint("reservation_id", "product_id", name=op.f("pk_lines")),
        schema="reservations",
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("identifier", sa.String(length=254), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'refresh') = (identifier IS NULL)", name=op.f("ck_tokens_identifier")),
        sa.CheckConstraint("(kind = 'refresh') = (session_id IS NOT NULL)", name=op.f("ck_tokens_session")),
        sa.CheckConstraint("kind <> 'refresh' OR user_id IS NOT NULL", name=op.f("ck_tokens_owner")),
        sa.CheckConstraint(
            "kind IN ('refresh', 'verify_email', 'verify_phone', 'change_email', 'change_phone')",
            name=op.f("ck_tokens_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["identity.sessions.id"], name=op.f("fk_tokens_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["identity.users.id"], name=op.f("fk_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        schema="identity",
    )
    op.create_index("ix_tokens_expires_at", "tokens", ["expires_at"], unique=False, schema="identity")
    op.create_index(
        "ix_tokens_identifier", "tokens", ["identifier", "kind", "created_at"], unique=False, schema="identity"
    )
    op.create_index("ix_tokens_session_id", "tokens", ["session_id"], unique=False, schema="identity")
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"], unique=False, schema="identity")
    op.create_index(
        "uq_tokens_live_change",
        "tokens",
        ["user_id", "kind"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("kind IN ('change_email', 'change_phone') AND spent_at IS NULL"),
    )
    op.create_index(
        "uq_tokens_live_code",
        "tokens",
        ["identifier", "kind"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("kind IN ('verify_email', 'verify_phone') AND spent_at IS NULL"),
    )
    op.create_index(
        "uq_tokens_live_refresh",
        "tokens",
        ["session_id"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("kind = 'refresh' AND spent_at IS NULL"),
    )
    op.create_index(
        "uq_tokens_refresh",
        "tokens",
        ["hash"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("kind = 'refresh'"),
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'charge' AND amount_minor > 0) OR (kind = 'refund' AND amount_minor < 0)",
            name=op.f("ck_ledger_sign"),
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payments.id"], name=op.f("fk_ledger_payment_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["payments.refunds.id"], name=op.f("fk_ledger_refund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        schema="payments",
    )
    op.create_index(op.f("ix_ledger_order_id"), "ledger", ["order_id"], unique=False, schema="payments")
    op.create_index(
        "uq_ledger_charge",
        "ledger",
        ["payment_id"],
        unique=True,
        schema="payments",
        postgresql_where=sa.text("kind = 'charge'"),
    )
    op.create_index(
        "uq_ledger_refund",
        "ledger",
        ["refund_id"],
        unique=True,
        schema="payments",
        postgresql_where=sa.text("kind = 'refund'"),
    )
