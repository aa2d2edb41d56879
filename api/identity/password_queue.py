"""Operations that hash passwords wait in threads of their own, so that a login storm holds up nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar, cast

import anyio
import anyio.to_thread
from fastapi import Depends, Request

from services.errors import Unavailable

T = TypeVar("T")

#: Requests that may be inside at once: as many as the hasher lets wait.
ROOM = 32


class Hashing:
    """A room with a door: who finds it full is turned away at once (ABUSE T16)."""

    def __init__(self) -> None:
        self._inside = 0
        self._threads = anyio.CapacityLimiter(ROOM)

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread. Raises Unavailable when too many are inside."""
        if self._inside >= ROOM:
            raise Unavailable("Too many people are signing in at this moment.", retry_after=2)
        self._inside += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._inside -= 1


async def _hashing(request: Request) -> Hashing:
    return cast(Hashing, request.app.state.hashing)


HashingRoom = Annotated[Hashing, Depends(_hashing)]
