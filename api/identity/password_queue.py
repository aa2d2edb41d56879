"""Bounded queue for password operations in threads of their own, so that many logins delay no other operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Request

from api.state import state_of
from services.errors import Unavailable

T = TypeVar("T")

#: Concurrent password operations: as many as the hasher queues.
MAX_REQUESTS = 32


class PasswordThreads:
    """At most 32 password operations at once; more are refused with Unavailable (T16)."""

    def __init__(self) -> None:
        self._running = 0
        self._threads = anyio.CapacityLimiter(MAX_REQUESTS)

    async def run(self, work: Callable[[], T]) -> T:
        """Run the work in a thread. Raises Unavailable when the queue is full."""
        if self._running >= MAX_REQUESTS:
            raise Unavailable("Too many sign-ins at this moment. Try again.", retry_after=2)
        self._running += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._running -= 1


async def _password_threads(request: Request) -> PasswordThreads:
    return state_of(request.app).password_threads


PasswordQueue = Annotated[PasswordThreads, Depends(_password_threads)]
