"""Operations that hash passwords wait in threads of their own, so that a login storm holds up nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Request

from api.state import state_of
from services.errors import Unavailable

T = TypeVar("T")

#: Requests that may be inside at once: as many as the hasher lets wait.
MAX_REQUESTS = 32


class PasswordThreads:
    """A room with a door: who finds it full is turned away at once (ABUSE T16)."""

    def __init__(self) -> None:
        self._inside = 0
        self._threads = anyio.CapacityLimiter(MAX_REQUESTS)

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread. Raises Unavailable when too many are inside."""
        if self._inside >= MAX_REQUESTS:
            raise Unavailable("Too many people are signing in at this moment.", retry_after=2)
        self._inside += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._inside -= 1


async def _password_threads(request: Request) -> PasswordThreads:
    return state_of(request.app).password_threads


PasswordQueue = Annotated[PasswordThreads, Depends(_password_threads)]
