"""How calls to a provider are bounded in time, and what their failures mean to our callers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.errors import Unavailable
from services.payments.gateway import GatewayError, GatewayUnavailable


@dataclass(frozen=True)
class Times:
    """All in seconds."""

    #: one whole exchange with the provider
    call: float = 4.0
    #: for so long, from before the exchange began, nobody else talks to the provider about it; longer than `call`
    claim: float = 5.0
    #: before a refund that the provider refused is tried under a new number; doubles up to 300
    refund_pause: float = 5.0

    def left(self, began: float) -> float:
        """What remains of a call whose claim was being written at `began` (monotonic).

        A process that slept since then must not call any more: others may have taken over (FAULTS F11).
        """
        return self.call - (time.monotonic() - began)


def unreachable(error: GatewayError | None) -> Unavailable:
    """The provider gave no answer, in the words of the services."""
    wait = error.retry_after if isinstance(error, GatewayUnavailable) else 1.0
    return Unavailable("The payment provider cannot be reached.", retry_after=max(1, math.ceil(wait)))


@contextmanager
def asking() -> Iterator[None]:
    """Around a question that changes nothing: whatever keeps the answer away, asking again may help."""
    try:
        yield
    except GatewayError as error:
        raise unreachable(error) from error
