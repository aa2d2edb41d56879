"""Says once that a part of the metrics cannot be read, and once that it can be read again."""

from __future__ import annotations

import threading

import structlog


class OutageLog:
    """Scrapes come every few seconds: one line for each outage, however long it lasts."""

    def __init__(self, part: str) -> None:
        """`part`: what is read, as a field of the log lines."""
        self._part = part
        self._guard = threading.Lock()
        self._away = False

    def failed(self, error: BaseException) -> None:
        """It could not be read: the first time since it was read, log an error with the type of the exception."""
        if self._changed(away=True):
            structlog.get_logger(__name__).error("metrics.unreadable", part=self._part, exc_info=error)

    def succeeded(self) -> None:
        """It was read."""
        if self._changed(away=False):
            structlog.get_logger(__name__).info("metrics.readable", part=self._part)

    def _changed(self, *, away: bool) -> bool:
        with self._guard:
            changed, self._away = self._away != away, away
        return changed
