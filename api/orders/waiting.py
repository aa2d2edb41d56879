"""Long polling of orders: one subscription a process wakes the requests that wait for an order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.state import state_of
from services.pg_notify import ORDER_EVENTS, PgListener

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Waiter:
    notified: asyncio.Event
    #: types of events that it does not wait for
    passing: Set[str]


class LongPolling:
    """Brings notifications of the listener's thread into the event loop."""

    def __init__(self, pg_listener: PgListener) -> None:
        self._pg_listener = pg_listener
        self._waiters: dict[str, set[_Waiter]] = defaultdict(set)
        self._unsubscribe: Callable[[], None] | None = None
        self.draining = False

    def open(self) -> None:
        """Subscribe; call it in the event loop of the requests."""
        loop = asyncio.get_running_loop()
        self._unsubscribe = self._pg_listener.subscribe(
            ORDER_EVENTS, lambda payload: _wake_in(loop, lambda: self._wake(payload))
        )

    @property
    def listeners(self) -> int:
        """The number of long polls and streams that wait."""
        return sum(len(waiters) for waiters in self._waiters.values())

    def drain(self) -> None:
        """End all waits and refuse new ones: the process is shutting down."""
        self.draining = True
        self._wake("")

    def close(self) -> None:
        """End all waits and the subscription."""
        self.drain()
        if self._unsubscribe:
            self._unsubscribe()

    async def until(
        self,
        order_id: UUID,
        look: Callable[[], T],
        enough: Callable[[T], bool],
        seconds: float,
        *,
        begin: Callable[[], None] | None = None,
        passing: Set[str] = frozenset(),
    ) -> T:
        """Call `look` at each notification about the order, until its result is `enough` or `seconds` have passed.

        `begin` starts what is waited for: it is called once notifications are received, and `look` is first called at
        the first of them. Events of the types in `passing` are not looked at. Returns the last result.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        with self.listening(order_id, passing) as notified:
            if begin:
                begin()
                await wait_for(notified, deadline)
            while True:
                notified.clear()
                seen = await run_in_threadpool(look)
                if enough(seen) or self.draining or not await wait_for(notified, deadline):
                    return seen if enough(seen) else await run_in_threadpool(look)

    @contextmanager
    def listening(self, order_id: UUID, passing: Set[str] = frozenset()) -> Iterator[asyncio.Event]:
        """An event that is set at each notification about the order, and sometimes without one: read the row.

        Events of the types in `passing` do not set it.
        """
        key, waiter = str(order_id), _Waiter(asyncio.Event(), passing)
        self._waiters[key].add(waiter)
        try:
            yield waiter.notified
        finally:
            self._waiters[key].discard(waiter)
            if not self._waiters[key]:
                del self._waiters[key]

    def _wake(self, payload: str) -> None:
        order_id, _, event = payload.partition(" ")
        # Without an order: the listener lost its connection and may have missed notifications about any order.
        waiting = self._waiters.get(order_id, ()) if order_id else chain.from_iterable(self._waiters.values())
        for waiter in waiting:
            if event not in waiter.passing:
                waiter.notified.set()


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
