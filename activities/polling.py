"""Long-polling activities: woken by NOTIFY, heartbeating, ended when their worker shuts down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import TracebackType
from typing import Self

from temporalio import activity

#: Seconds between heartbeats; the heartbeat time-out is 5 s.
HEARTBEAT = 1.0

Subscribe = Callable[[str, Callable[[str], None]], Callable[[], None]]


class Wakeup:
    """Wakes one waiter when the database notifies a channel."""

    def __init__(self, subscribe: Subscribe, *channels: str) -> None:
        """`subscribe(channel, wake)` returns the function that ends the subscription."""
        self._subscribe = subscribe
        self._channels = channels
        self._notified = asyncio.Event()
        self._unsubscribe: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()

        def wake(_: str) -> None:
            loop.call_soon_threadsafe(self._notified.set)

        self._unsubscribe = [self._subscribe(channel, wake) for channel in self._channels]
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def wake(self) -> None:
        """End the present wait, or the next one; for what this process does itself."""
        self._notified.set()

    async def wait(self, seconds: float) -> None:
        """Wait for the next notification, `seconds` at most; one that came since the last wait counts."""
        try:
            await asyncio.wait_for(self._notified.wait(), seconds)
        except TimeoutError:
            return
        self._notified.clear()


async def until_shutdown(limit: timedelta) -> AsyncIterator[int]:
    """Count rounds until the limit or the worker's shutdown; sends heartbeats meanwhile, also in a long round."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + limit.total_seconds()
    rounds = 0
    async with heartbeats():
        while loop.time() < ends and not activity.is_worker_shutdown():
            yield rounds
            rounds += 1


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Send heartbeats while the block runs."""
    beating = asyncio.create_task(_heartbeat())
    try:
        yield
    finally:
        beating.cancel()


async def _heartbeat() -> None:
    while True:
        try:
            activity.heartbeat()
        except Exception:  # without heartbeats Temporal starts the activity a second time
            activity.logger.exception("activity.heartbeat_failed")
        await asyncio.sleep(HEARTBEAT)
