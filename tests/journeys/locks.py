"""Locks in PostgreSQL that a test holds, and the statements of the shop that wait for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg

from tests.journeys.shop import Shop
from tests.journeys.waiting import until

_BLOCKED = """
    SELECT query_start FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %(part)s
     ORDER BY query_start LIMIT 1
    """


@contextmanager
def holding(shop: Shop, statement: str, **values: str) -> Iterator[None]:
    """Hold the locks of a statement during the block, so that other transactions wait for them."""
    with psycopg.connect(shop.stack.addresses.database) as connection:
        connection.execute(statement, values)
        yield
        connection.rollback()


def wait_until_blocked(shop: Shop, part: str, after: datetime | None = None) -> datetime:
    """Wait until a statement that contains `part` waits for a lock; returns when it began.

    `after`: only a statement that began later, such as a retry. Raises TimeoutError.
    """

    def began() -> datetime | None:
        found: list[datetime] = [row[0] for row in shop.rows(_BLOCKED, part=f"%{part}%")]
        return next((moment for moment in found if after is None or moment > after), None)

    blocked = until(began)
    assert blocked is not None
    return blocked
