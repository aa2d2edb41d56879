"""How often an operation may be called: the limits that operations name, and their enforcement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from api.requests.client_address import host_of, network_of
from services.identity.views import Caller
from services.rate_limiter import Rate, RateLimiter


class By(Enum):
    """Whose requests are counted together."""

    #: an IPv4 address, or the /64 of IPv6; counted before anything else is read
    ADDRESS = "address"
    #: the /24 of IPv4, or the /64 of IPv6: attackers of passwords have more than one address
    NETWORK = "network"
    #: the account, or all minted tokens of one kind; counted after authorization
    CALLER = "caller"


@dataclass(frozen=True)
class RateLimit:
    """A rate, and whose requests it counts together."""

    rate: Rate
    by: By


@dataclass(frozen=True)
class Unlimited:
    """Marks an operation that is not counted, with the reason."""

    reason: str


MINUTE, HOUR = 60, 3600

# Strict limits protect accounts and inboxes: they refuse while the database is not available. Coarse ones protect
# this system, and allow then.
REGISTRATION = RateLimit(Rate("register", 20, HOUR), By.ADDRESS)
LOGIN = RateLimit(Rate("login", 30, MINUTE), By.NETWORK)
SENDING = RateLimit(Rate("sending", 20, HOUR), By.ADDRESS)
PROOF = RateLimit(Rate("proof", 60, HOUR), By.ADDRESS)
SESSION = RateLimit(Rate("session", 120, MINUTE, strict=False), By.ADDRESS)
CATALOG = RateLimit(Rate("catalog", 120, MINUTE, strict=False), By.ADDRESS)
#: One product each: a basket of 40 products is read by as many requests whenever it is shown.
PRODUCT = RateLimit(Rate("product", 1200, MINUTE, strict=False), By.ADDRESS)
PAGE = RateLimit(Rate("page", 600, MINUTE, strict=False), By.ADDRESS)
EVENTS = RateLimit(Rate("events", 600, MINUTE, strict=False), By.ADDRESS)
WEBHOOKS = RateLimit(Rate("webhooks", 1200, MINUTE, strict=False), By.ADDRESS)
#: A copy of all data of a person reads everything that is held about them.
EXPORT = RateLimit(Rate("export", 10, HOUR), By.CALLER)
CALLER = RateLimit(Rate("caller", 600, MINUTE, strict=False), By.CALLER)
#: Minted tokens have no account and are counted together by kind.
_MINTED = Rate("tokens", 6000, MINUTE, strict=False)


class OperationLimits:
    """Enforces the limits of operations for one application; RATE_LIMIT_FACTOR multiplies all of them."""

    def __init__(self, limiter: RateLimiter, factor: float) -> None:
        self._limiter = limiter
        self._factor = factor

    def count_address(self, limits: tuple[RateLimit, ...], address: str) -> None:
        """Count a request from this address. Raises RateLimited, Unavailable."""
        for limit in limits:
            if limit.by is By.ADDRESS:
                self._count(limit.rate, host_of(address))
            elif limit.by is By.NETWORK:
                self._count(limit.rate, network_of(address))

    def count_caller(self, limits: tuple[RateLimit, ...], caller: Caller | None) -> None:
        """Count a request of this caller. Raises RateLimited, Unavailable."""
        for limit in limits:
            if limit.by is By.CALLER and caller is not None:
                rate = limit.rate if caller.user_id else _MINTED
                self._count(rate, str(caller.user_id or caller.kind))

    def _count(self, rate: Rate, subject: str) -> None:
        self._limiter.acquire([rate.scaled(self._factor)], subject)
