"""The cancel reason that each failure of a forward step gives."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType
from temporalio.exceptions import TimeoutError as StepTimeout

from services.orders.status import CancelReason
from workflows.cancel_reasons import cancel_reason


def refused(code: str) -> ApplicationError:
    return ApplicationError("refused", type=code, non_retryable=True)


def ended(state: RetryState) -> ActivityError:
    return ActivityError(
        "failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="worker",
        activity_type="charge_payment",
        activity_id="1",
        retry_state=state,
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("out-of-stock", CancelReason.OUT_OF_STOCK),
        ("reservation-closed", CancelReason.RESERVATION_EXPIRED),
        ("reservation-expired", CancelReason.RESERVATION_EXPIRED),
        ("payment-declined", CancelReason.PAYMENT_DECLINED),
        ("payment-expired", CancelReason.PAYMENT_EXPIRED),
        ("amount-mismatch", CancelReason.PAYMENT_UNAVAILABLE),
        ("currency-mismatch", CancelReason.PAYMENT_UNAVAILABLE),
        ("validation-error", CancelReason.PAYMENT_UNAVAILABLE),
        ("not-found", CancelReason.INTERNAL),
    ],
)
def test_a_refusal_gives_the_reason_of_its_code(code: str, reason: CancelReason) -> None:
    assert cancel_reason(refused(code)) is reason


def test_a_step_without_time_left_has_expired() -> None:
    timeout = StepTimeout("late", type=TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=[])
    assert cancel_reason(timeout) is CancelReason.PAYMENT_EXPIRED
    assert cancel_reason(ended(RetryState.TIMEOUT)) is CancelReason.PAYMENT_EXPIRED


def test_a_cancellation_without_a_reason_comes_from_an_operator() -> None:
    assert cancel_reason(asyncio.CancelledError()) is CancelReason.OPERATOR_REQUEST
