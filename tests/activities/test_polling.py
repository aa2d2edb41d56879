"""Long polling: wake-ups are not lost, rounds end with the limit or the worker, and heartbeats are sent meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities.polling import Wakeup, until_shutdown
from activities.polling import heartbeats as heartbeats_sent

LONG = timedelta(minutes=1)


class Channels:
    """Subscriptions as the database listener keeps them; `notify` calls them from another thread."""

    def __init__(self) -> None:
        self.subscribers: dict[str, Callable[[str], None]] = {}

    def subscribe(self, channel: str, wake: Callable[[str], None]) -> Callable[[], None]:
        self.subscribers[channel] = wake

        def unsubscribe() -> None:
            del self.subscribers[channel]

        return unsubscribe

    def notify(self, channel: str) -> None:
        thread = threading.Thread(target=self.subscribers[channel], args=("payload",))
        thread.start()
        thread.join()


async def waited(wakeup: Wakeup, seconds: float) -> float:
    """Seconds for which the wait lasted."""
    started = time.monotonic()
    await wakeup.wait(seconds)
    return time.monotonic() - started


@pytest.mark.parametrize("channel", ["outbox", "events"])
async def test_a_notification_before_the_wait_ends_it_at_once_and_only_once(channel: str) -> None:
    channels = Channels()
    with Wakeup(channels.subscribe, "outbox", "events") as wakeup:
        channels.notify(channel)
        channels.notify(channel)
        assert await waited(wakeup, 10) < 5
        assert await waited(wakeup, 0.05) >= 0.04


async def test_a_notification_during_the_wait_ends_it() -> None:
    channels = Channels()
    with Wakeup(channels.subscribe, "outbox") as wakeup:
        waiting = asyncio.create_task(waited(wakeup, 10))
        await asyncio.sleep(0)
        channels.notify("outbox")
        assert await waiting < 5


async def test_the_subscriptions_end_with_the_block() -> None:
    channels = Channels()
    with Wakeup(channels.subscribe, "outbox", "events"):
        assert set(channels.subscribers) == {"outbox", "events"}
    assert channels.subscribers == {}


async def test_rounds_end_with_the_shutdown_of_the_worker() -> None:
    environment = ActivityEnvironment()

    @activity.defn
    async def poll() -> list[int]:
        rounds = []
        async for number in until_shutdown(LONG):
            rounds.append(number)
            if number == 2:
                environment.worker_shutdown()
        return rounds

    assert await environment.run(poll) == [0, 1, 2]


async def test_rounds_end_with_the_limit() -> None:
    @activity.defn
    async def poll() -> int:
        rounds = 0
        async for _ in until_shutdown(timedelta(seconds=0.05)):
            rounds += 1
            await asyncio.sleep(0.1)
        return rounds

    assert await ActivityEnvironment().run(poll) == 1


async def test_heartbeats_are_sent_during_a_long_round_and_end_with_it() -> None:
    heartbeats = 0
    environment = ActivityEnvironment()

    def count(*_: object) -> None:
        nonlocal heartbeats
        heartbeats += 1

    environment.on_heartbeat = count

    @activity.defn
    async def poll() -> int:
        async for _ in until_shutdown(LONG):
            while heartbeats < 2:
                await asyncio.sleep(0.01)
            environment.worker_shutdown()
        return sum(_sends_heartbeats(task) for task in asyncio.all_tasks())

    assert await environment.run(poll) == 0


def _sends_heartbeats(task: asyncio.Task[object]) -> bool:
    return getattr(task.get_coro(), "__name__", "") == "_heartbeat" and not task.cancelling()


async def test_F93_a_heartbeat_that_fails_is_not_the_last_one() -> None:
    heartbeats = 0
    environment = ActivityEnvironment()

    def fail_first(*_: object) -> None:
        nonlocal heartbeats
        heartbeats += 1
        if heartbeats == 1:
            raise RuntimeError("a bug")

    environment.on_heartbeat = fail_first

    @activity.defn
    async def poll() -> int:
        async with asyncio.timeout(5), heartbeats_sent():
            while heartbeats < 2:
                await asyncio.sleep(0.01)
        return heartbeats

    assert await environment.run(poll) == 2
