"""The time of a run: waits that end at once when the run is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class RunStopped(Exception):
    """The run was interrupted, or failed, while something waited."""


class RunClock:
    """Seconds since the start of a run."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._stopped = threading.Event()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def wait_until(self, second: float) -> None:
        """Wait until this second of the run. Raises RunStopped."""
        self.wait(second - self.now)

    def wait(self, seconds: float) -> None:
        """Wait some seconds. Raises RunStopped."""
        if self._stopped.wait(max(0.0, seconds)):
            raise RunStopped

    @contextmanager
    def stopped_by_errors(self) -> Iterator[None]:
        """End all waits when the block is interrupted or fails, so that no thread keeps it from ending."""
        try:
            yield
        except BaseException:
            self._stopped.set()
            raise
