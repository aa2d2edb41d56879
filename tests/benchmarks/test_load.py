"""Closed-loop load keeps the requested number of operations in flight."""

from __future__ import annotations

import asyncio

from benchmarks.load import keep_in_flight


async def test_load_keeps_the_requested_number_in_flight_and_waits_for_all() -> None:
    running, most = set[int](), 0

    async def one(place: int) -> None:
        nonlocal most
        running.add(place)
        most = max(most, len(running))
        await asyncio.sleep(0.01)
        running.remove(place)

    done = await keep_in_flight(one, 5, 0.1)
    assert (most, running) == (5, set())
    assert min(done.latencies) >= 0.01
    assert len(done.latencies) >= 5
    assert done.elapsed >= 0.1
