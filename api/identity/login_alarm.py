"""Whether more logins fail than people mistype: somebody tries lists of passwords (ABUSE T15). It blocks nobody."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

#: Seconds that are looked at.
WINDOW = 300
#: More failures than this in the window, being more than this part of all logins.
FAILURES, RATIO = 100, 0.5
_BUCKET = 10

_log = structlog.get_logger(__name__)


class LoginAlarm:
    """Logins of the last five minutes in this process, by ten seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now`: seconds of a clock that only goes on."""
        self._now = now
        self._buckets: dict[int, list[int]] = {}
        self._said_at: float | None = None

    def count(self, *, failed: bool) -> bool:
        """One login; True, with a warning in the log, when the alarm goes off: once in five minutes."""
        now = self._now()
        current = int(now // _BUCKET)
        self._buckets.setdefault(current, [0, 0])[failed] += 1
        self._buckets = {at: counted for at, counted in self._buckets.items() if at > current - WINDOW // _BUCKET}
        failures = sum(counted[True] for counted in self._buckets.values())
        logins = failures + sum(counted[False] for counted in self._buckets.values())
        quiet = self._said_at is not None and now - self._said_at < WINDOW
        if quiet or failures <= FAILURES or failures <= RATIO * logins:
            return False
        self._said_at = now
        _log.warning("api.many_failed_logins", failures=failures, logins=logins, seconds=WINDOW)
        return True
