"""How long to wait after a failure, for one message and for a whole channel, and when to give up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.notifications.ports import DeliveryResult, Outcome
from services.notifications.status import Channel, NotificationStatus

#: Seconds for which a claimed message is nobody else's.
LEASE = 60
#: Seconds after a claim in which sending may begin: the rest of the lease is for the longest exchange and the mark.
START_WITHIN = 20
#: Seconds for which a message is tried.
RETRY_PERIOD = 24 * 3600
#: Seconds after the first, second … failure of one message, 24 h in all; after the last one it fails.
#: Failures are counted, not hours on the clock, so that an outage of the server takes nothing of it.
DELAYS = (1, 5, 30, 120, 600, 1800, *[3600] * 23)
#: Seconds for which a channel rests after its first, second … unreachable moment; the last one stays.
PAUSES = (1, 2, 5, 10)
#: Seconds until a message that we could not compose (a key or template is missing here) is looked at again.
UNTRIED_DELAY = 600


@dataclass(frozen=True)
class ClaimedMessage:
    """A message in the hands of one dispatcher until its lease ends."""

    id: UUID
    channel: Channel
    template: str
    language: str
    recipient: bytes = field(repr=False)
    variables: bytes = field(repr=False)
    attempts: int
    order_id: UUID | None
    created_at: datetime
    #: the end of the lease; it also proves, when marking, that the lease is still ours
    lease: datetime
    #: older than the patience that a message gets
    stale: bool


@dataclass(frozen=True)
class StatusUpdate:
    """What is written about a claimed message; `delay` in seconds, for one that stays queued."""

    id: UUID
    lease: datetime
    status: NotificationStatus
    attempts: int
    delay: float = 0
    error: str | None = None


def next_status(claimed: ClaimedMessage, delivery: DeliveryResult, pause: float) -> StatusUpdate:
    """What follows from a delivery; `pause`: seconds for which the channel rests, when it is unreachable.

    Only a try that reached the server keeps its count in `attempts`. For SMS the count is therefore 0 whenever the
    row is not in somebody's hands, and a claim that finds more met a sender who died (see `repository.claim`).
    """
    match delivery.outcome:
        case Outcome.SENT:
            return _ended(claimed, NotificationStatus.SENT)
        case Outcome.UNREACHABLE:
            return _again(claimed, delivery, pause, burnt=0)
        case Outcome.UNTRIED if delivery.reason is None:
            return _again(claimed, delivery, 0, burnt=0)
        case Outcome.UNTRIED if not claimed.stale:
            return _again(claimed, delivery, UNTRIED_DELAY, burnt=0)
        case Outcome.POSTPONED | Outcome.UNKNOWN if claimed.channel is Channel.EMAIL:
            if claimed.attempts <= len(DELAYS):
                return _again(claimed, delivery, DELAYS[claimed.attempts - 1], burnt=1)
    return _ended(claimed, NotificationStatus.FAILED, delivery.reason)


def _again(claimed: ClaimedMessage, delivery: DeliveryResult, delay: float, *, burnt: int) -> StatusUpdate:
    attempts = claimed.attempts - 1 + burnt
    return StatusUpdate(claimed.id, claimed.lease, NotificationStatus.QUEUED, attempts, delay, delivery.reason)


def _ended(claimed: ClaimedMessage, status: NotificationStatus, error: str | None = None) -> StatusUpdate:
    return StatusUpdate(claimed.id, claimed.lease, status, claimed.attempts, error=error)


class CircuitBreaker:
    """Whether a channel may be tried: closed for a growing pause each time its server could not be reached.

    It lives in one process on purpose: rows keep their own time, another process finds out by itself.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failures = 0
        self._opens_at = 0.0

    @property
    def seconds_left(self) -> float:
        """Seconds until the channel may be tried again, 0 when it may now."""
        return max(0.0, self._opens_at - self._monotonic())

    def note(self, deliveries: Sequence[DeliveryResult]) -> float:
        """Learn from one round; returns the seconds for which the channel rests now."""
        if not any(delivery.outcome is Outcome.UNREACHABLE for delivery in deliveries):
            self._failures, self._opens_at = 0, 0.0
            return 0.0
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        self._opens_at = self._monotonic() + pause
        return pause
