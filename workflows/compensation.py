"""A saga: its steps, the undo of each step, and the order in which undos run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, RetryState
from temporalio.exceptions import TimeoutError as StepTimeout

with workflow.unsafe.imports_passed_through():
    from services.errors import OrderClaimed

R = TypeVar("R")
Action = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Undo:
    """How a step is undone; harmless when the step never ran, and repeatable."""

    #: the name by which operators resolve it
    step: str
    run: Action
    #: undos that must have finished before this one starts
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of a saga, and its undo."""

    run: Action
    undo: Undo | None = None


class Saga:
    """Runs steps in order, and undoes all of them, whichever were reached.

    Every undo is known before the first step: a worker that dies loses the local activities of its task, so a run that
    takes over starts at the top, and a cancellation may meet it before it comes to a charge that was made.
    """

    def __init__(self, *steps: Step) -> None:
        """Raises ValueError when `after` names no undo of this saga, or undos wait for each other."""
        self._steps = steps
        self._undos = [step.undo for step in reversed(steps) if step.undo]
        _check(self._undos)

    async def forward(self) -> None:
        """Run every step; raises what a step raises."""
        for step in self._steps:
            await step.run()

    async def undo(self, run: Callable[[Undo], Awaitable[None]]) -> None:
        """Run every undo by `run`: started newest first, side by side, but for those that wait by `after`.

        Ends when all have ended, then raises the first error. (A workflow that ends while a local activity is open
        sends commands that the server refuses, and hangs.) An undo does not start after one that raised.
        """
        ended = {undo.step: asyncio.Event() for undo in self._undos}
        errors: dict[str, FailureError] = {}

        async def one(undo: Undo) -> None:
            try:
                for step in undo.after:
                    await ended[step].wait()
                if errors.keys().isdisjoint(undo.after):
                    await run(undo)
            except FailureError as error:
                errors[undo.step] = error
            finally:
                ended[undo.step].set()

        await asyncio.gather(*[one(undo) for undo in self._undos])
        for error in errors.values():
            raise error


def _check(undos: list[Undo]) -> None:
    left = {undo.step: set(undo.after) for undo in undos}
    while ready := {step for step, after in left.items() if not after}:
        left = {step: after - ready for step, after in left.items() if step not in ready}
    if left:
        raise ValueError(f"undos that can never start: {', '.join(left)}")


def root_cause(error: BaseException) -> BaseException:
    """The innermost cause: the wrappers around a local activity's failure differ between a live run and a replay."""
    while isinstance(error, FailureError) and error.cause:
        error = error.cause
    return error


def refusal_of(error: BaseException) -> str | None:
    """The code of a business refusal (`out-of-stock`); None for any other failure and for a cancellation."""
    cause = root_cause(error)
    return cause.type if isinstance(cause, ApplicationError) and cause.non_retryable else None


def ran_out_of_time(error: BaseException) -> bool:
    """True when the time for all attempts of a step is over.

    Temporal reports that as a time-out only when an attempt was running; otherwise as the last attempt's failure, with
    a retry state of its own.
    """
    ended = isinstance(error, ActivityError) and error.retry_state == RetryState.TIMEOUT
    return ended or isinstance(root_cause(error), StepTimeout)


def may_undo(error: BaseException) -> bool:
    """True for failures of steps, cancellations and time-outs; a bug must not undo: its task is retried after the fix.

    A run that found the order claimed by another run has done nothing, so it undoes nothing.
    """
    undoable = isinstance(error, FailureError | asyncio.CancelledError | TimeoutError)
    return undoable and refusal_of(error) != OrderClaimed.code


async def shielded(work: Coroutine[Any, Any, R]) -> R:
    """Run to the end, whatever cancellations arrive meanwhile."""
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
    return task.result()
