"""A closed loop: so many in flight, each followed by the next, and how long each took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks.plan import Done


async def keep_in_flight(one: Callable[[int], Awaitable[None]], in_flight: int, seconds: float) -> Done:
    """Run `one(place)` at `in_flight` places, begin no more after `seconds`, and wait for all that began.

    Raises what `one` raises, in an ExceptionGroup: a round with a failure is no measurement.
    """
    latencies: list[float] = []
    began = time.perf_counter()

    async def keep(place: int) -> None:
        while (start := time.perf_counter()) < began + seconds:
            await one(place)
            latencies.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for place in range(in_flight):
            group.create_task(keep(place))
    return Done(latencies, time.perf_counter() - began)
