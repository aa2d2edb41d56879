"""How many deadlocks PostgreSQL has seen, for tests of concurrent statements."""

from __future__ import annotations

import time

from services.db import Database


def deadlocks(database: Database) -> int:
    """Number of deadlocks since the database was made.

    Backends report them when they exit, so those of the pool are replaced first.
    """
    with database.transaction() as tx:
        pool = tx.fetch_value("SELECT pg_backend_pid()")
        mine = tx.fetch_value(
            ("SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name = 'market' AND pid <> %(me)s"),
            {"me": pool},
        )
    database.replace_connections()
    ends = time.monotonic() + 5
    while database.pool_stats["pool_available"] < database.pool_stats["pool_size"] and time.monotonic() < ends:
        time.sleep(0.01)
    with database.transaction() as tx:
        left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%(mine)s)"
        # Connections of other tests may still be open; the wait ends after 5 s.
        while tx.fetch_value(left, {"mine": mine or []}) and time.monotonic() < ends:
            tx.execute("SELECT pg_stat_clear_snapshot()")
        tx.execute("SELECT pg_stat_clear_snapshot()")
        return int(tx.fetch_value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
