"""How often somebody may have messages sent to one identifier, known or not (ABUSE T10, T27, T28, T37)."""

from __future__ import annotations

from sqlmodel import Session

from services.identity.status import IdentifierKind
from services.rate_limiter import Limits, Rate

#: Never scaled: these guard people's inboxes and codes, not our machines.
SEND_LIMITS = {
    purpose: (
        Rate(f"{purpose}-pause", 1, 60),
        Rate(f"{purpose}-hour", 3, 3600),
        Rate(f"{purpose}-day", 10, 86_400),
    )
    for purpose in ("code", "reset")
}


class SendLimits:
    """Counts what is sent; and all SMS together, because each costs money."""

    def __init__(self, limits: Limits, sms_per_hour: int = 0) -> None:
        """`sms_per_hour`: of all people together; 0: no bound."""
        self._limits = limits
        self._budget = (Rate("sms-budget", sms_per_hour, 3600),) if sms_per_hour else ()

    def count(self, session: Session, purpose: str, way: IdentifierKind, canonical: str) -> None:
        """Count one message before it is written. Raises RateLimited, which must end the transaction."""
        self._limits.admit_in(session, SEND_LIMITS[purpose], f"{way}:{canonical}")
        if way is IdentifierKind.PHONE:
            self._limits.admit_in(session, self._budget, "all")
