"""Undoing: what may be undone, newest first, and never stopped half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from temporalio.exceptions import ApplicationError, FailureError

R = TypeVar("R")
Undo = Callable[[], Awaitable[None]]


def root_cause(error: BaseException) -> BaseException:
    """The innermost cause: the shapes around it differ between a live run and a replay (local activities)."""
    while isinstance(error, FailureError) and error.cause:
        error = error.cause
    return error


def refusal_of(error: BaseException) -> str | None:
    """The type of a business refusal (`OutOfStock`), or None when it is trouble or a cancellation."""
    cause = root_cause(error)
    return cause.type if isinstance(cause, ApplicationError) and cause.non_retryable else None


def may_undo(error: BaseException) -> bool:
    """True for failures of steps, cancellations and time-outs; a bug must not undo: its task is retried after the fix.

    A run that found the order driven by another one has done nothing, so it undoes nothing.
    """
    undoable = isinstance(error, FailureError | asyncio.CancelledError | TimeoutError)
    return undoable and refusal_of(error) != "OrderClaimed"


class Compensation:
    """The undos of a saga, registered before their steps."""

    def __init__(self) -> None:
        self._undos: list[tuple[str, Undo]] = []

    def add(self, name: str, undo: Undo) -> None:
        """Register an undo; it must be harmless when its step never ran."""
        self._undos.append((name, undo))

    async def run(self, watched: Callable[[str, Undo], Coroutine[Any, Any, None]]) -> None:
        """Start every undo, newest first; one that has to wait does not hold up the next. Ends when all have."""
        running = [asyncio.create_task(watched(name, undo)) for name, undo in reversed(self._undos)]
        for undoing in running:
            await undoing


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
