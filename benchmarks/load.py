"""Closed-loop load: keeps a fixed number of operations in flight and measures each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks.plan import Done


async def keep_in_flight(one: Callable[[int], Awaitable[None]], in_flight: int, seconds: float) -> Done:
    """Run `one(slot)` in `in_flight` slots, start no more after `seconds`, and wait for those that started.

    Raises an ExceptionGroup of the errors of `one`: a round with a failure is not a measurement.
    """
    latencies: list[float] = []
    began = time.perf_counter()

    async def keep(slot: int) -> None:
        while (start := time.perf_counter()) < began + seconds:
            await one(slot)
            latencies.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for slot in range(in_flight):
            group.create_task(keep(slot))
    return Done(latencies, time.perf_counter() - began)
