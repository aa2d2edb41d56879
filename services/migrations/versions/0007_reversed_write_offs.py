"""The ledger takes a write-off back when the refund is made after all."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_ledger_sign"), "ledger", schema="payments", type_="check")
    op.create_check_constraint(
        op.f("ck_ledger_sign"),
        "ledger",
        "(kind IN ('charge', 'reversal') AND amount_minor > 0)"
        " OR (kind IN ('refund', 'write_off') AND amount_minor < 0)",
        schema="payments",
    )
