"""Limits on messages to one identifier, known or unknown, and on all SMS (ABUSE T10, T27, T28, T37)."""

from __future__ import annotations

from services.db import Executor
from services.identity.status import IdentifierKind
from services.rate_limiter import Rate, RateLimiter

#: Per identifier and purpose. Not scaled by RATE_LIMIT_FACTOR: these limits protect recipients and codes, not servers.
SEND_LIMITS = {
    purpose: (
        Rate(f"{purpose}-pause", 1, 60),
        Rate(f"{purpose}-hour", 3, 3600),
        Rate(f"{purpose}-day", 10, 86_400),
    )
    for purpose in ("code", "reset")
}


class SendLimits:
    """Counts messages per identifier, and all SMS together, because each SMS costs money."""

    def __init__(self, limits: RateLimiter, sms_per_hour: int = 0) -> None:
        """`sms_per_hour`: SMS to all people together; 0: no limit."""
        self._limits = limits
        self._budget = (Rate("sms-budget", sms_per_hour, 3600),) if sms_per_hour else ()

    def count(self, tx: Executor, purpose: str, kind: IdentifierKind, canonical: str) -> None:
        """Count one message before it is written. Raises RateLimited; the caller's transaction must then roll back."""
        self._limits.acquire_in(tx, SEND_LIMITS[purpose], f"{kind}:{canonical}")
        if kind is IdentifierKind.PHONE:
            self._limits.acquire_in(tx, self._budget, "all")
