"""Time limits of calls to the payment provider, and the error that callers get when a call fails."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.errors import Unavailable
from services.payments.gateway import GatewayError, GatewayUnavailable


@dataclass(frozen=True)
class CallBudget:
    """Time limits, all in seconds."""

    #: one whole HTTP exchange with the provider
    call: float = 4.0
    #: how long a claim excludes other callers, counted from before the call; must be longer than `call`
    claim: float = 5.0
    #: delay before a failed refund is retried under a new number; doubles with each failure, at most 300
    refund_retry_delay: float = 5.0

    def remaining(self, started: float) -> float:
        """Seconds left for a call whose claim was started at `started` (`time.monotonic`).

        Not positive when the process was suspended for longer than the budget: another process may hold the claim
        now, and the call must not be made (FAULTS F11).
        """
        return self.call - (time.monotonic() - started)

    def refund_retry_after(self, number: int, elapsed: float) -> float:
        """Seconds until a failed refund, the `number`-th of its payment, may be retried; it failed `elapsed` s ago."""
        doubled = self.refund_retry_delay * float(1 << min(number - 1, 10))
        return max(min(doubled, 300.0) - elapsed, 0.0)


def unavailable(error: GatewayError | None) -> Unavailable:
    """The service error for a provider that did not answer; `retry_after` as the provider asked, at least 1 s."""
    wait = error.retry_after if isinstance(error, GatewayUnavailable) else 1.0
    return Unavailable("The payment provider cannot be reached.", retry_after=max(1, math.ceil(wait)))


@contextmanager
def gateway_errors_as_unavailable() -> Iterator[None]:
    """Raise Unavailable for every gateway error. Only for read-only calls, which are always safe to retry."""
    try:
        yield
    except GatewayError as error:
        raise unavailable(error) from error
