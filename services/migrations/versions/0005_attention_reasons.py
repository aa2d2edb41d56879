"""Attention keeps every reason until it is cleared; `payment_unavailable` is a cancel reason."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_REASONS = (
    "buyer_request",
    "operator_request",
    "out_of_stock",
    "payment_declined",
    "payment_expired",
    "payment_unavailable",
    "reservation_expired",
    "internal",
)


def upgrade() -> None:
    op.add_column(
        "orders",
        sa.Column(
            "attention_reasons", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        schema="orders",
    )
    op.execute(
        "UPDATE orders.orders SET attention_reasons = ARRAY[attention_reason]"
        " WHERE needs_attention AND attention_reason IS NOT NULL"
    )
    op.drop_column("orders", "attention_reason", schema="orders")
    op.drop_constraint(op.f("ck_orders_cancel_reason"), "orders", schema="orders", type_="check")
    op.create_check_constraint(
        op.f("ck_orders_cancel_reason"),
        "orders",
        f"cancel_reason IS NULL OR cancel_reason IN ({', '.join(repr(reason) for reason in _REASONS)})",
        schema="orders",
    )
