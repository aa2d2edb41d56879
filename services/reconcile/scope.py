"""How much a check covers, how long it may take, and who is shown what it does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from services.db import TookTooLong
from services.errors import Unavailable

#: Called with what is being checked, for a person who waits.
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Scope:
    """Bounds of a check, all in seconds."""

    #: what is younger may still be on its way: commands, messages, starts of workflows
    lag: float = 60.0
    #: how long a row may stay unchanged after the end of its last timer
    grace: float = 600.0
    #: how far back messages and the lists of the provider are compared
    since: float = 3 * 86_400.0
    #: how long the whole check may take
    timeout: float = 300.0
    #: how long archived orders are checked; the next check begins with others
    archive: float = math.inf


@dataclass(frozen=True)
class Deadline:
    """The moment at which the time of a check is over."""

    seconds: float
    #: True once nobody waits for the result any more, as when the process ends
    stopped: Callable[[], bool] = lambda: False
    _started: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds that are left, always positive. Raises TookTooLong, and Unavailable when the check was stopped."""
        if self.stopped():
            raise Unavailable("The check was stopped.")
        left = self._started + self.seconds - time.monotonic()
        if left <= 0:
            raise TookTooLong(f"The time of {self.seconds:g} s is over.")
        return left


def reason_of(trouble: Unavailable) -> str:
    """Why something could not be checked, as a sentence."""
    if isinstance(trouble, TookTooLong):
        return f"{trouble.detail} Allow more time with --timeout."
    return trouble.detail
