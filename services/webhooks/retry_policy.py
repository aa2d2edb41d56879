"""Retry policy: when a message is sent again, how long an endpoint pauses, and when it is disabled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.webhooks.sending import Answer
from services.webhooks.status import DeliveryStatus, DisabledReason
from services.webhooks.views import ClaimedDelivery

#: Seconds to wait after the first, second … failure, the schedule of Standard Webhooks: three days in all.
DELAYS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
#: Part of a delay that is added at random, so that what failed together is not sent together again.
JITTER = 0.2
#: Most seconds that `Retry-After` can ask for.
MAX_RETRY_AFTER = 3600
#: Seconds that an endpoint pauses after its first, second … failure in a row to answer at all; the last value repeats.
PAUSES = (1, 5, 15, 30, 60)
#: Seconds without a success after which an endpoint is disabled.
DISABLED_AFTER = 72 * 3600
GONE = 410
#: Statuses of a receiver that has too much to do, which pauses all messages to it.
_OVERLOADED = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Outcome:
    """What follows from an attempt."""

    delivery: ClaimedDelivery
    answer: Answer
    status: DeliveryStatus
    #: seconds until the next attempt, of a delivery that waits
    delay: float = 0.0
    #: seconds that the endpoint gets no messages
    pause: float = 0.0
    disabled: DisabledReason | None = None


def outcome_of(claimed: ClaimedDelivery, answer: Answer, random: Callable[[], float]) -> Outcome:
    """What follows from an attempt; `random`: a number from 0 to 1."""
    if answer.succeeded:
        return Outcome(claimed, answer, DeliveryStatus.DELIVERED)
    if answer.status == GONE:
        return Outcome(claimed, answer, DeliveryStatus.FAILED, disabled=DisabledReason.GONE)
    asked, disabled = _asked_to_wait(answer.retry_after), None
    if claimed.failing_seconds > DISABLED_AFTER:
        disabled = DisabledReason.FAILING
    pause = max(asked, PAUSES[min(claimed.failures, len(PAUSES) - 1)]) if _is_overloaded(answer) else 0.0
    if claimed.tries >= len(DELAYS):
        return Outcome(claimed, answer, DeliveryStatus.FAILED, pause=pause, disabled=disabled)
    delay = max(DELAYS[claimed.tries] * (1 + JITTER * random()), asked)
    return Outcome(claimed, answer, DeliveryStatus.WAITING, delay, pause, disabled)


def _is_overloaded(answer: Answer) -> bool:
    """Whether other messages to this endpoint would fail as well."""
    return answer.status is None or answer.status in _OVERLOADED


def _asked_to_wait(retry_after: str | None) -> float:
    """Seconds of the header Retry-After, a number or a date, within bounds; 0 for none and for nonsense."""
    if not retry_after:
        return 0.0
    if retry_after.isascii() and retry_after.isdecimal():
        return float(min(int(retry_after[:9]), MAX_RETRY_AFTER))
    try:
        at = parsedate_to_datetime(retry_after)
        seconds = (at - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
