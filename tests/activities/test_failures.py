"""Every exception of an activity leaves as a code: refusals are final, everything else is retried."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.failures import FailuresAsCodes
from services.errors import OutOfStock, PaymentDeclined, PaymentExpired, Unavailable

SECRET = "canary7f3a"


class Raising(ActivityInboundInterceptor):
    """The activity itself: raises what the test gives it."""

    def __init__(self, raise_: Callable[[], BaseException]) -> None:
        self._raise = raise_

    async def execute_activity(self, input: ExecuteActivityInput) -> object:  # noqa: A002 - the SDK's name
        raise self._raise()


async def failure(raise_: Callable[[], BaseException]) -> BaseException:
    """What leaves the interceptor."""
    interceptor = FailuresAsCodes().intercept_activity(Raising(raise_))
    call = ExecuteActivityInput(fn=lambda: None, args=(), executor=None, headers={})

    @activity.defn
    async def step() -> None:
        await interceptor.execute_activity(call)

    with pytest.raises(BaseException) as raised:
        await ActivityEnvironment().run(step)
    return raised.value


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfStock([]), "out-of-stock"),
        (PaymentDeclined(SECRET), "payment-declined"),
        (PaymentExpired(SECRET), "payment-expired"),
    ],
)
async def test_a_refusal_is_final_and_typed_by_its_code(error: Exception, code: str) -> None:
    failed = await failure(lambda: error)
    assert isinstance(failed, ApplicationError)
    assert (failed.type, failed.message, failed.non_retryable, failed.__cause__) == (code, code, True, None)


@pytest.mark.parametrize(
    ("error", "code"),
    [(Unavailable(SECRET), "service-unavailable"), (KeyError(SECRET), "internal-error")],
)
async def test_any_other_failure_is_retried_and_carries_no_value(error: Exception, code: str) -> None:
    failed = await failure(lambda: error)
    assert isinstance(failed, ApplicationError)
    assert (failed.message, failed.non_retryable) == (code, False)
    assert SECRET not in repr(failed)


async def test_a_cancellation_passes() -> None:
    assert isinstance(await failure(lambda: CancelledError("stop")), CancelledError)
