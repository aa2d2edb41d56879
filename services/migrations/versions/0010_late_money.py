"""Money that came too late and was not sent back is found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_payments_late",
        "payments",
        ["updated_at"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("captured_late AND captured_minor > refunded_minor"),
    )
