"""Retry policy: how long to wait after a failure of one message or of a whole channel, and when to give up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.notifications.ports import DeliveryResult, Outcome
from services.notifications.status import NotificationChannel, NotificationStatus

#: Seconds for which a claimed message belongs to one dispatcher.
LEASE = 60
#: Seconds after a claim in which a send may start; the rest of the lease covers the longest exchange and the write.
START_WITHIN = 20
#: Seconds for which a message is retried.
RETRY_PERIOD = 24 * 3600
#: Seconds to wait after the first, second … failure of one message, 24 h in all; after the last one it fails.
#: Failures are counted instead of elapsed hours, so that an outage of the server uses up none of them.
DELAYS = (1, 5, 30, 120, 600, 1800, *[3600] * 23)
#: Seconds for which a channel pauses after its first, second … consecutive unreachable batch; the last value repeats.
PAUSES = (1, 2, 5, 10)
#: Seconds until a message that could not be rendered (this process lacks a key or a template) is tried again.
UNTRIED_DELAY = 600


@dataclass(frozen=True)
class ClaimedMessage:
    """A message that one dispatcher holds until its lease ends."""

    id: UUID
    channel: NotificationChannel
    template: str
    language: str
    recipient: bytes = field(repr=False)
    variables: bytes = field(repr=False)
    attempts: int
    order_id: UUID | None
    created_at: datetime
    #: end of the lease; when the result is written, it also proves that the lease is still held
    lease: datetime
    #: True when the message is older than the retry period
    expired: bool


@dataclass(frozen=True)
class StatusUpdate:
    """The new state of a claimed message; `delay` in seconds, for a message that stays queued."""

    id: UUID
    lease: datetime
    status: NotificationStatus
    attempts: int
    delay: float = 0
    error: str | None = None


def next_status(claimed: ClaimedMessage, result: DeliveryResult, pause: float) -> StatusUpdate:
    """The status update that follows from a result; `pause`: seconds that an unreachable channel pauses.

    Only an attempt that reached the server stays counted in `attempts`. For an SMS the count is therefore 0 while no
    dispatcher holds the row; a claim that finds a higher count follows a sender that died (see `repository.claim`).
    """
    match result.outcome:
        case Outcome.SENT:
            return _finish(claimed, NotificationStatus.SENT)
        case Outcome.UNREACHABLE:
            return _retry(claimed, result, pause, counted=0)
        case Outcome.UNTRIED if result.reason is None:
            return _retry(claimed, result, 0, counted=0)
        case Outcome.UNTRIED if not claimed.expired:
            return _retry(claimed, result, UNTRIED_DELAY, counted=0)
        case Outcome.POSTPONED | Outcome.UNKNOWN if claimed.channel is NotificationChannel.EMAIL:
            if claimed.attempts <= len(DELAYS):
                return _retry(claimed, result, DELAYS[claimed.attempts - 1], counted=1)
    return _finish(claimed, NotificationStatus.FAILED, result.reason)


def _retry(claimed: ClaimedMessage, result: DeliveryResult, delay: float, *, counted: int) -> StatusUpdate:
    attempts = claimed.attempts - 1 + counted
    return StatusUpdate(claimed.id, claimed.lease, NotificationStatus.QUEUED, attempts, delay, result.reason)


def _finish(claimed: ClaimedMessage, status: NotificationStatus, error: str | None = None) -> StatusUpdate:
    return StatusUpdate(claimed.id, claimed.lease, status, claimed.attempts, error=error)


class CircuitBreaker:
    """Pauses a channel for a growing time each time its server could not be reached.

    The state is per process on purpose: each row keeps its own due time, and another process detects an outage itself.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic`: seconds that only grow."""
        self._monotonic = monotonic
        self._failures = 0
        self._closes_at = 0.0

    @property
    def is_open(self) -> bool:
        """True while the channel pauses."""
        return self._monotonic() < self._closes_at

    def record(self, results: Sequence[DeliveryResult]) -> float:
        """Record the results of one batch; returns the seconds for which the channel pauses now (0: it does not)."""
        if not any(result.outcome is Outcome.UNREACHABLE for result in results):
            self._failures, self._closes_at = 0, 0.0
            return 0.0
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        self._closes_at = self._monotonic() + pause
        return pause
