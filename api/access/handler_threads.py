"""The threads of handlers: a request waits a bounded time for one, as it does for a database connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, WouldBlock, fail_after, to_thread

from services.errors import Unavailable

R = TypeVar("R")

#: Seconds to wait for a free thread (contract, section 1).
TIMEOUT = 1.0


async def in_thread(work: Callable[[], R]) -> R:
    """Run `work` in a thread. Raises Unavailable when none was free for a second, and what `work` raises.

    There are as many threads as database connections, so without a limit a request would wait as long as slow queries
    keep all connections (FAULTS F28).
    """
    threads, borrower = to_thread.current_default_thread_limiter(), object()
    try:
        threads.acquire_on_behalf_of_nowait(borrower)
    except WouldBlock:
        await _wait_for(threads, borrower)
    try:
        return await to_thread.run_sync(work, limiter=CapacityLimiter(1))
    finally:
        threads.release_on_behalf_of(borrower)


async def _wait_for(threads: CapacityLimiter, borrower: object) -> None:
    try:
        with fail_after(TIMEOUT):
            await threads.acquire_on_behalf_of(borrower)
    except TimeoutError:
        raise Unavailable("The service is busy.") from None
