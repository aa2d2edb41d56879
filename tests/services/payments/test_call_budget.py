"""Time limits of calls to the provider, and the error that callers get."""

from __future__ import annotations

import time

import pytest

from services.errors import Unavailable
from services.payments.call_budget import CallBudget, gateway_errors_as_unavailable, unavailable
from services.payments.gateway import GatewayError, GatewayUnavailable, GatewayUnknown


def test_a_suspended_process_has_no_time_left() -> None:
    budget = CallBudget(call=4)
    assert 3 < budget.remaining(time.monotonic()) <= 4
    assert budget.remaining(time.monotonic() - 5) < 0


def test_a_claim_outlasts_its_call() -> None:
    assert CallBudget().claim > CallBudget().call


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(GatewayUnavailable("busy", retry_after=2.1), 3), (GatewayUnavailable("busy", retry_after=0.1), 1), (None, 1)],
)
def test_retry_after_is_in_whole_seconds_of_at_least_one(error: GatewayError | None, seconds: int) -> None:
    assert unavailable(error).retry_after == seconds


def test_a_failed_look_up_is_unavailable() -> None:
    with pytest.raises(Unavailable), gateway_errors_as_unavailable():
        raise GatewayUnknown("the answer was lost")


@pytest.mark.parametrize(
    ("number", "elapsed", "seconds"), [(1, 0, 5), (2, 0, 10), (2, 4, 6), (3, 30, 0), (7, 0, 300), (2000, 0, 300)]
)
def test_the_delay_of_a_failed_refund_doubles_up_to_five_minutes(number: int, elapsed: float, seconds: float) -> None:
    assert CallBudget().refund_retry_after(number, elapsed) == seconds
