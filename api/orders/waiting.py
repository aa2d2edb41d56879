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
from services.pg_notify import ORDER_EVENTS, PgListener

T = TypeVar("T")


class LongPolling:
    """Brings notifications of the listener's thread into the event loop."""

    def __init__(self, pg_listener: PgListener) -> None:
        self._pg_listener = pg_listener
        self._waiters: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._unsubscribe: Callable[[], None] | None = None
        self.draining = False

    def open(self) -> None:
        """Subscribe; call it in the event loop of the requests."""
        loop = asyncio.get_running_loop()
        self._unsubscribe = self._pg_listener.subscribe(
            ORDER_EVENTS, lambda order_id: _wake_in(loop, lambda: self._wake(order_id))
        )

    @property
    def listeners(self) -> int:
        """The number of long polls and streams that wait."""
        return sum(len(events) for events in self._waiters.values())

    def drain(self) -> None:
        """End all waits and refuse new ones: the process is shutting down."""
        self.draining = True
        self._wake("")

    def close(self) -> None:
        """End all waits and the subscription."""
        self.drain()
        if self._unsubscribe:
            self._unsubscribe()

    async def until(self, order_id: UUID, look: Callable[[], T], enough: Callable[[T], bool], seconds: float) -> T:
        """Call `look` at each notification about the order, until its result is `enough` or `seconds` have passed.

        Returns the last result.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        with self.listening(order_id) as notified:
            while True:
                notified.clear()
                seen = await run_in_threadpool(look)
                if enough(seen) or self.draining or not await wait_for(notified, deadline):
                    return seen if enough(seen) else await run_in_threadpool(look)

    @contextmanager
    def listening(self, order_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set at each notification about the order, and sometimes without one: read the row."""
        key, notified = str(order_id), asyncio.Event()
        self._waiters[key].add(notified)
        try:
            yield notified
        finally:
            self._waiters[key].discard(notified)
            if not self._waiters[key]:
                del self._waiters[key]

    def _wake(self, order_id: str) -> None:
        # Without an order: the listener lost its connection and may have missed notifications about any order.
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


def _wake_in(loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(wake)


async def _long_polling(request: Request) -> LongPolling:
    return state_of(request.app).long_polling


LongPoll = Annotated[LongPolling, Depends(_long_polling)]
