"""Sizes of tables and of their indexes."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

_SIZES = """
    SELECT s.schemaname || '.' || s.relname AS name, CAST(greatest(c.reltuples, 0) AS bigint) AS rows,
           pg_table_size(s.relid) AS table_bytes, pg_indexes_size(s.relid) AS index_bytes
      FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
     ORDER BY pg_total_relation_size(s.relid) DESC LIMIT %s"""


@dataclass(frozen=True)
class TableSize:
    """Rows by the last ANALYZE, and bytes on disk."""

    name: str
    rows: int
    table_bytes: int
    index_bytes: int


def table_sizes(connection: psycopg.Connection, limit: int = 15) -> list[TableSize]:
    """The largest tables, the largest first."""
    with connection.cursor(row_factory=class_row(TableSize)) as cursor:
        return cursor.execute(_SIZES, [limit]).fetchall()
