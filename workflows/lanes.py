"""How a step is run: first fast as a local activity, then visible and unlimited as a regular one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import CancelledError, FailureError

with workflow.unsafe.imports_passed_through():
    from workflows.compensation import refusal_of, root_cause

M = TypeVar("M")
R = TypeVar("R")


@dataclass(frozen=True)
class Intent:
    """How patient a step is: its budget in the fast lane, and how it is retried in the visible one."""

    budget: timedelta
    attempt: timedelta
    retry: RetryPolicy


#: One short transaction or two.
TRANSACTION = Intent(
    budget=timedelta(seconds=2),
    attempt=timedelta(seconds=10),
    retry=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
)
#: Exchanges with the payment provider (4 s of HTTP at most each; an undo may need three) and their transactions.
EXCHANGE = Intent(
    budget=timedelta(seconds=5),
    attempt=timedelta(seconds=20),
    retry=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=60)),
)
#: Seconds after which an undecided payment is looked at again: soon first, then ever more rarely.
LOOK_AGAIN = (1, 5, 30, 120, 300)

#: Fails only once, so that what goes wrong moves to the lane where operators see it.
_ONCE = RetryPolicy(maximum_attempts=1)


async def two_lanes(
    activity: Callable[[Any, M], R],
    message: M,
    *,
    name: str,
    intent: Intent,
    local: bool,
    within: timedelta | None = None,
) -> R:
    """Run one step; `name` is the activity id that operators type, `within` bounds all its tries (None: no bound).

    Raises what the step raises as a refusal, or a time-out when `within` is over.
    """
    if local:
        try:
            return await workflow.execute_local_activity_method(
                activity,
                message,
                start_to_close_timeout=intent.budget,
                schedule_to_close_timeout=intent.budget,
                retry_policy=_ONCE,
                activity_id=f"{name}-local",
            )
        except FailureError as error:
            # Whatever shape it has, only the innermost cause says what it was.
            if refusal_of(error) or isinstance(root_cause(error), CancelledError):
                raise
    return await workflow.execute_activity_method(
        activity,
        message,
        start_to_close_timeout=intent.attempt,
        schedule_to_close_timeout=within,
        retry_policy=intent.retry,
        activity_id=name,
    )
