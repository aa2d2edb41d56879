"""Rounds in a process of their own: so many in flight, and a failure is never taken for a measurement."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from benchmarks.load import keep_in_flight
from benchmarks.plan import Case, Done, Round
from benchmarks.process import Driver, NotMeasured, answer


async def test_as_many_run_as_are_asked_for_and_all_are_waited_for() -> None:
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


def serve(orders: Connection, word: str) -> None:
    """Answers rounds of one case, fails in others, and writes a word into its log."""
    sys.stdout.write(word)
    sys.stdout.flush()
    asyncio.run(answer(orders, _measure))


async def _measure(wanted: Round) -> Done:
    async def one(_: int) -> None:
        if wanted.case is Case.HOT:
            raise AssertionError("not confirmed")

    return await keep_in_flight(one, wanted.in_flight, wanted.seconds)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    log = tmp_path_factory.mktemp("driver") / "log"
    with Driver("driver", os.environ, log, serve, "a word") as running:
        yield running


def test_a_round_comes_back_as_it_went(driver: Driver) -> None:
    done = driver.measure(Round(Case.SAGA, 2, 0.01))
    assert done.latencies
    assert done.elapsed >= 0.01


def test_a_failed_order_makes_the_round_void(driver: Driver) -> None:
    with pytest.raises(NotMeasured, match=r"hot with 2 in flight: .*not confirmed"):
        driver.measure(Round(Case.HOT, 2, 0.01))
    assert driver.measure(Round(Case.SAGA, 1, 0.01)).latencies


def test_a_process_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    with Driver("driver", os.environ, tmp_path / "log", serve, "a word") as running:
        running.measure(Round(Case.SAGA, 1, 0.01))
        os.kill(running.pid, signal.SIGKILL)
        with pytest.raises(NotMeasured, match=r"(?s)driver ended. Its last words:.*a word"):
            running.measure(Round(Case.SAGA, 1, 0.01))
