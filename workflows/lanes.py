"""The two lanes of a step: first a local activity, which is fast; when that fails, a regular activity with retries."""

from __future__ import annotations

from collections import Counter
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
    """What a step does, for its time-outs: the budget of the local lane, one regular attempt, and the retries."""

    budget: timedelta
    attempt: timedelta
    retry: RetryPolicy


#: One short transaction or two.
TRANSACTION = Intent(
    budget=timedelta(seconds=2),
    attempt=timedelta(seconds=10),
    retry=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
)
#: Calls to the payment provider (4 s of HTTP at most each; an undo may need three) and their transactions.
PROVIDER_CALL = Intent(
    budget=timedelta(seconds=5),
    attempt=timedelta(seconds=20),
    retry=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=60)),
)

#: How long a local step may wait for one of the worker's slots, beside its budget. Without this, the steps of a busy
#: worker that got a slot late would fail and move to the regular lane, which costs the worker even more.
WAIT_FOR_SLOT = timedelta(seconds=10)
#: A local attempt is not retried: what fails moves to the lane in which operators see it.
_ONCE = RetryPolicy(maximum_attempts=1)


class Lanes:
    """Runs the steps of one workflow run."""

    def __init__(self, *, local: bool) -> None:
        """`local`: False sends every step to the regular lane."""
        self._local = local
        self._calls: Counter[str] = Counter()

    async def run(
        self,
        activity: Callable[[Any, M], R],
        message: M,
        intent: Intent,
        *,
        summary: str | None = None,
        within: timedelta | None = None,
    ) -> R:
        """Run one step; `within` bounds all attempts of the regular lane (None: no bound), `summary` is for the Web UI.

        The activity id is the method's name, which operators type; a second call in the same run is `name-2`, so that
        ids are unique also when two calls are open at once. Raises what the step raises as a refusal; when
        `within` is over, an error of which `ran_out_of_time` is true.
        """
        name = self._activity_id(activity.__name__)
        if self._local:
            try:
                return await workflow.execute_local_activity_method(
                    activity,
                    message,
                    start_to_close_timeout=intent.budget,
                    schedule_to_close_timeout=intent.budget + WAIT_FOR_SLOT,
                    retry_policy=_ONCE,
                    activity_id=f"{name}-local",
                    summary=summary,
                )
            except FailureError as error:
                # Whatever its wrappers, only the innermost cause says what happened.
                if refusal_of(error) or isinstance(root_cause(error), CancelledError):
                    raise
        return await workflow.execute_activity_method(
            activity,
            message,
            start_to_close_timeout=intent.attempt,
            schedule_to_close_timeout=within,
            retry_policy=intent.retry,
            activity_id=name,
            summary=summary,
        )

    def _activity_id(self, name: str) -> str:
        self._calls[name] += 1
        return name if self._calls[name] == 1 else f"{name}-{self._calls[name]}"


#: Seconds between two looks at a payment or refund that is not decided: short first, then longer.
POLL_INTERVALS = (1, 5, 30, 120, 300)


def poll_interval(looks: int, at_least: float) -> float:
    """Seconds until the next look after so many looks; `at_least`: what the last answer asked for."""
    return max(at_least, POLL_INTERVALS[min(looks, len(POLL_INTERVALS) - 1)])
