"""SQL of the budgets of recipients."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from services.clock import NOW
from services.db import Executor


@dataclass(frozen=True)
class Used:
    """Messages to one recipient in the last hour and in the last day."""

    hour: int
    day: int


def lock_and_count(tx: Executor, subjects: Collection[bytes]) -> dict[bytes, Used]:
    """Lock the recipients until the transaction ends, and count their messages that were not suppressed.

    The locks are taken in one order, so that two transactions cannot deadlock; the count is a statement of its own, so
    that it sees what the transaction that held a lock before has stored. Recipients without messages are left out.
    """
    keys = sorted(int.from_bytes(subject[:8], signed=True) for subject in subjects)
    tx.execute(_LOCK, {"keys": keys})
    rows = tx.fetch_all(_COUNT, {"subjects": list(subjects)})
    return {bytes(row.budget_subject): Used(row.hour, row.day) for row in rows}


_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(cast(%(keys)s AS bigint[])) AS key"
_COUNT = f"""
    SELECT budget_subject, count(*) AS day,
           count(*) FILTER (WHERE created_at > (SELECT {NOW}) - interval '1 hour') AS hour
      FROM notifications.notifications
     WHERE budget_subject = ANY(cast(%(subjects)s AS bytea[])) AND budget_counted
       AND created_at > (SELECT {NOW}) - interval '1 day'
     GROUP BY budget_subject
    """  # noqa: S608 - only constants of this project
