"""Limits on messages to one identifier, known or unknown, and on all SMS (ABUSE T10, T27, T28, T37, T128)."""

from __future__ import annotations

from enum import StrEnum

from services.db import Executor
from services.identity.status import IdentifierKind
from services.rate_limiter import Rate, RateLimiter
from services.sms_budget import SmsBudget

#: Per identifier, purpose and kind of requester. Not scaled by RATE_LIMIT_FACTOR: these limits protect recipients and
#: codes, not servers.
SEND_LIMITS = {
    purpose: (
        Rate(f"{purpose}-pause", 1, 60),
        Rate(f"{purpose}-hour", 3, 3600),
        Rate(f"{purpose}-day", 10, 86_400),
    )
    for purpose in ("code", "reset")
}


class Requester(StrEnum):
    """Who asks for a message; each is counted apart, so that a stranger cannot use up what the owner needs."""

    ANYONE = "anyone"
    #: a session of the account that has the identifier
    OWNER = "owner"
    #: sessions of all accounts that want the identifier, together
    ACCOUNT = "account"
    #: anyone, when the last code or token that was sent to the identifier was used: its owner reads the messages
    LAST_USED = "last-used"


class SendLimits:
    """Counts codes and reset tokens per identifier, and their SMS together with all others."""

    def __init__(self, limits: RateLimiter, sms_budget: SmsBudget) -> None:
        self._limits, self._sms_budget = limits, sms_budget

    def count(
        self, tx: Executor, purpose: str, kind: IdentifierKind, canonical: str, by: Requester = Requester.ANYONE
    ) -> None:
        """Count one message before it is written. Raises RateLimited; the caller's transaction must then roll back."""
        subject = f"{kind}:{canonical}"
        self._limits.acquire_in(tx, SEND_LIMITS[purpose], subject if by is Requester.ANYONE else f"{by}:{subject}")
        if kind is IdentifierKind.PHONE:
            self._sms_budget.require(tx)
