"""Warns when an unusual share of logins fails: somebody may be trying a list of passwords (T15). It blocks nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

#: Seconds that are counted.
WINDOW = 300
#: The alarm needs more failures than this in the window, and a larger share of all logins than this.
FAILURES, RATIO = 100, 0.5
_BUCKET = 10

_log = structlog.get_logger(__name__)


class LoginAlarm:
    """Counts logins of the last five minutes in this process, in buckets of ten seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now`: seconds of a monotonic clock."""
        self._now = now
        self._buckets: dict[int, list[int]] = {}
        self._raised_at: float | None = None

    def count(self, *, failed: bool) -> bool:
        """Count a login. True, with a warning in the log, when the alarm is raised; at most once in five minutes."""
        now = self._now()
        current = int(now // _BUCKET)
        self._buckets.setdefault(current, [0, 0])[failed] += 1
        self._buckets = {at: counted for at, counted in self._buckets.items() if at > current - WINDOW // _BUCKET}
        failures = sum(counted[True] for counted in self._buckets.values())
        logins = failures + sum(counted[False] for counted in self._buckets.values())
        quiet = self._raised_at is not None and now - self._raised_at < WINDOW
        if quiet or failures <= FAILURES or failures <= RATIO * logins:
            return False
        self._raised_at = now
        _log.warning("api.many_failed_logins", failures=failures, logins=logins, seconds=WINDOW)
        return True
