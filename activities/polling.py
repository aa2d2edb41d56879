"""How a long-polling activity waits: woken by the database, heartbeating, gone when its worker goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from temporalio import activity

#: Seconds between heartbeats; their time-out is 5 s.
HEARTBEAT = 1.0

Subscribe = Callable[[str, Callable[[str], None]], Callable[[], None]]


class Alarm:
    """Wakes one waiter when the database says a word on a channel."""

    def __init__(self, subscribe: Subscribe, *channels: str) -> None:
        """`subscribe(channel, wake)` must return the function that ends the subscription."""
        self._subscribe = subscribe
        self._channels = channels
        self._rung = asyncio.Event()
        self._ends: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()

        def ring(_: str) -> None:
            loop.call_soon_threadsafe(self._rung.set)

        self._ends = [self._subscribe(channel, ring) for channel in self._channels]
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for end in self._ends:
            end()

    async def wait(self, seconds: float) -> None:
        """Until the next word, `seconds` at most; words said since the last wait count."""
        try:
            await asyncio.wait_for(self._rung.wait(), seconds)
        except TimeoutError:
            return
        self._rung.clear()


class Notifier(Protocol):
    """Where an alarm subscribes."""

    def subscribe(self, channel: str, wake: Callable[[str], None]) -> Callable[[], None]: ...


async def until_shutdown(limit: timedelta) -> AsyncIterator[int]:
    """Count rounds until the limit or the worker's shutdown; heartbeats meanwhile, also when a round is long."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + limit.total_seconds()
    beating = asyncio.create_task(_beat())
    rounds = 0
    try:
        while loop.time() < ends and not activity.is_worker_shutdown():
            yield rounds
            rounds += 1
    finally:
        beating.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT)
