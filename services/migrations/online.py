"""Changes of tables that orders are written to meanwhile (docs/contributing.md, "Change the schema")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic import op
from sqlalchemy import TextClause

#: How long a statement of a migration waits for a lock; statements that come after it wait for it meanwhile (F72).
LOCK_TIMEOUT = "2s"
# An index that is built beside writes waits for transactions that began before, and nobody waits for it.
_INDEX_TIMEOUT = "15min"


def create_index(
    name: str, table: str, columns: Sequence[str | TextClause], *, schema: str, unique: bool = False, **options: Any
) -> None:
    """Build an index while rows are written. It commits what the migration did before: give it a migration of its own.

    `options`: those of `op.create_index`. An invalid index that an interrupted attempt left is replaced.
    """
    with op.get_context().autocommit_block():
        op.execute(f"SET lock_timeout = '{_INDEX_TIMEOUT}'")
        op.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{schema}"."{name}"')
        op.create_index(name, table, columns, schema=schema, unique=unique, postgresql_concurrently=True, **options)
        op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
