"""Stock has a ledger of movements; SKUs are compared, and products are searched, in a form without invisible signs.

The totals so far become opening movements. The old version writes no movements while a deployment is under way: what
it changes is found by `reconcile` (I1).

Products whose SKUs are equal in the compared form stay as they are: one, if possible one that is for sale, keeps twin
number 0, and is the one that imports find from now on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INVISIBLE = (
    r"[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164"
    r"\uFE00-\uFE0F\uFEFF\uFFA0\U000E0000-\U000E0FFF]"
)


def upgrade() -> None:
    _move_stock()
    _compare_skus()


def _compared(text: str) -> str:
    return f"""casefold(normalize(regexp_replace({text}, '{_INVISIBLE}', '', 'g'), NFKC) COLLATE "pg_unicode_fast")"""


def _searched(text: str) -> str:
    return f"translate(btrim(regexp_replace({_compared(text)}, '\\s+', ' ', 'g')), 'ё', 'е')"


def _compare_skus() -> None:
    searched = f"{_searched('name')} || chr(10) || {_searched('sku')}"
    for column in (
        sa.Column("sku_key", sa.Text(collation="C"), sa.Computed(_compared("sku"), persisted=True)),
        sa.Column("searched", sa.Text(), sa.Computed(searched, persisted=True)),
        sa.Column("twin", sa.Integer(), server_default=sa.text("0"), nullable=False),
    ):
        op.add_column("products", column, schema="catalog")
    op.execute(
        "UPDATE catalog.products p SET twin = numbered.twin FROM ("
        "SELECT id, row_number() OVER (PARTITION BY sku_key ORDER BY is_active DESC, id) - 1 AS twin"
        " FROM catalog.products) AS numbered WHERE numbered.id = p.id AND numbered.twin > 0"
    )
    op.create_index("uq_products_sku_key", "products", ["sku_key", "twin"], unique=True, schema="catalog")


def _move_stock() -> None:
    op.create_table(
        "movements",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(200), server_default=sa.text("''"), nullable=False),
        sa.Column("by", sa.String(200), server_default=sa.text("''"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('opening', 'first', 'set', 'adjustment', 'restock')", name=op.f("ck_movements_kind")
        ),
        sa.CheckConstraint("change <> 0", name=op.f("ck_movements_change")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movements")),
        schema="reservations",
    )
    op.create_index("ix_movements_product_id", "movements", ["product_id", "id"], schema="reservations")
    op.execute("LOCK TABLE reservations.stocks IN SHARE MODE")
    op.execute(
        "INSERT INTO reservations.movements (product_id, change, kind)"
        " SELECT product_id, total, 'opening' FROM reservations.stocks WHERE total <> 0"
    )
