"""Long polling of orders: one subscription a process wakes the requests that wait for an order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.state import state_of
from services.pg_notify import ORDER_EVENTS, Wakeups

T = TypeVar("T")


class LongPolling:
    """Bridges the listener's thread into the event loop."""

    def __init__(self, wakeups: Wakeups) -> None:
        self._wakeups = wakeups
        self._waiters: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._unsubscribe: Callable[[], None] | None = None
        self.draining = False

    def open(self) -> None:
        """Begin to hear; call it in the loop that the requests run in."""
        loop = asyncio.get_running_loop()
        self._unsubscribe = self._wakeups.subscribe(
            ORDER_EVENTS, lambda order_id: _tell(loop, lambda: self._wake(order_id))
        )

    @property
    def listeners(self) -> int:
        """How many wait or listen now."""
        return sum(len(events) for events in self._waiters.values())

    def drain(self) -> None:
        """Answer everybody who waits now, and let nobody wait again: the process is going to stop."""
        self.draining = True
        self._wake("")

    def close(self) -> None:
        """Hear no more."""
        self.drain()
        if self._unsubscribe:
            self._unsubscribe()

    async def until(self, order_id: UUID, look: Callable[[], T], enough: Callable[[T], bool], seconds: float) -> T:
        """Look again at each word about the order until it is enough or `seconds` have passed; what was seen last."""
        deadline = asyncio.get_running_loop().time() + seconds
        with self.listening(order_id) as notified:
            while True:
                notified.clear()
                seen = await run_in_threadpool(look)
                if enough(seen) or self.draining or not await wait_for(notified, deadline):
                    return seen if enough(seen) else await run_in_threadpool(look)

    @contextmanager
    def listening(self, order_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set at each word about the order (and at some others: look at the row)."""
        key, notified = str(order_id), asyncio.Event()
        self._waiters[key].add(notified)
        try:
            yield notified
        finally:
            self._waiters[key].discard(notified)
            if not self._waiters[key]:
                del self._waiters[key]

    def _wake(self, order_id: str) -> None:
        # No order: the listener was away and may have missed words about any.
        waiting = self._waiters.get(order_id, ()) if order_id else {e for each in self._waiters.values() for e in each}
        for notified in waiting:
            notified.set()


async def wait_for(notified: asyncio.Event, deadline: float) -> bool:
    """Whether the event was set before the loop's time reached `deadline`."""
    try:
        async with asyncio.timeout_at(deadline):
            await notified.wait()
    except TimeoutError:
        return False
    return True


def _tell(loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(wake)


async def _long_polling(request: Request) -> LongPolling:
    return state_of(request.app).long_polling


LongPoll = Annotated[LongPolling, Depends(_long_polling)]
