"""Deletes what is older than its age, in every service."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from temporalio import activity

#: Rows of one statement, and so of one commit.
BATCH = 500
#: Seconds after which a run begins no further round of batches; the next run continues.
SECONDS = 60.0

#: Deletes at most so many of the oldest rows of one kind, and returns how many.
Deletion = Callable[[int], int]


@dataclass(frozen=True)
class RetentionActivities:
    """Deletions of all services, by the kind of rows (docs/operators.md, How long rows are kept)."""

    deletions: Mapping[str, Deletion]

    @activity.defn(no_thread_cancel_exception=True)
    def delete_old_rows(self) -> int:
        """Delete a batch of each kind in turn, until nothing is old or the run has to end; returns how many rows.

        A kind that fails does not keep the others from being deleted; its error is raised at the end.
        """
        deadline, waiting = time.monotonic() + SECONDS, dict(self.deletions)
        deleted, errors = Counter[str](), list[Exception]()
        while waiting:
            for kind, delete in list(waiting.items()):
                rows = 0
                try:
                    rows = delete(BATCH)
                except Exception as error:
                    errors.append(error)
                deleted[kind] += rows
                if rows < BATCH:
                    del waiting[kind]
            if time.monotonic() >= deadline or activity.is_worker_shutdown():
                break
        _log(deleted)
        if errors:
            raise errors[0]
        return deleted.total()


def _log(deleted: Counter[str]) -> None:
    for kind, rows in (+deleted).items():
        activity.logger.info("retention.deleted", extra={"kind": kind, "rows": rows})
