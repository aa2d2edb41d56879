"""SQL that selects old rows, a batch at a time, to delete them or to empty a column."""

from __future__ import annotations

from services.clock import NOW


def oldest(table: str, column: str, age: str, only: str = "true") -> str:
    """A condition that selects at most `%(limit)s` rows of `table` whose `column` is longer ago than `age`.

    `age` is an interval of PostgreSQL, such as `72 hours`; `only` a further condition. The column needs an index: the
    rows are read in its order, and the time is evaluated once, so that the cost depends on the batch and not on the
    table. Rows that others have locked are left for the next run: waiting for them could deadlock.
    """
    return f"""ctid = ANY (ARRAY(
        SELECT ctid FROM {table} WHERE {column} < (SELECT {NOW}) - interval '{age}' AND {only}
         ORDER BY {column} LIMIT %(limit)s FOR UPDATE SKIP LOCKED))"""  # noqa: S608 - constants of the callers
