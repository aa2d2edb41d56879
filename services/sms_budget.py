"""The budget of all SMS together (SMS_PER_HOUR): identity counts those with codes, notifications all others."""

from __future__ import annotations

from services.db import Executor
from services.rate_limiter import Rate, RateLimiter

_SUBJECT = "all"


class SmsBudget:
    """Counts the SMS to all people together, because each one costs money."""

    def __init__(self, limits: RateLimiter, sms_per_hour: int) -> None:
        """`sms_per_hour`: the rate, and the largest burst; 0: no limit."""
        self._limits = limits
        self._rate = Rate("sms-budget", sms_per_hour, 3600) if sms_per_hour else None

    def require(self, tx: Executor) -> None:
        """Count one SMS. Raises RateLimited; the caller's transaction must then roll back."""
        if self._rate:
            self._limits.acquire_in(tx, [self._rate], _SUBJECT)

    def take(self, tx: Executor, wanted: int) -> int:
        """Count as many of `wanted` SMS as the budget has left; returns how many."""
        return self._limits.take_in(tx, self._rate, _SUBJECT, wanted) if self._rate else wanted
