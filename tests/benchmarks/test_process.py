"""A driver process measures rounds; a failed round is not a measurement."""

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
from benchmarks.process import Driver, NotMeasured, serve_rounds


def serve(connection: Connection, marker: str) -> None:
    """Measures rounds of one case, fails in others, and writes a marker to its log."""
    sys.stdout.write(marker)
    sys.stdout.flush()
    asyncio.run(serve_rounds(connection, _measure))


async def _measure(wanted: Round) -> Done:
    async def one(_: int) -> None:
        if wanted.case is Case.HOT:
            raise AssertionError("not confirmed")

    return await keep_in_flight(one, wanted.in_flight, wanted.seconds)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    log = tmp_path_factory.mktemp("driver") / "log"
    with Driver("driver", os.environ, log, serve, "a marker") as running:
        yield running


def test_round_returns_latencies_and_elapsed_time(driver: Driver) -> None:
    done = driver.measure(Round(Case.SAGA, 2, 0.01))
    assert done.latencies
    assert done.elapsed >= 0.01


def test_failed_order_fails_the_round_but_not_the_driver(driver: Driver) -> None:
    with pytest.raises(NotMeasured, match=r"hot with 2 in flight: .*not confirmed"):
        driver.measure(Round(Case.HOT, 2, 0.01))
    assert driver.measure(Round(Case.SAGA, 1, 0.01)).latencies


def test_killed_driver_is_reported_with_its_last_output(tmp_path: Path) -> None:
    with Driver("driver", os.environ, tmp_path / "log", serve, "a marker") as running:
        running.measure(Round(Case.SAGA, 1, 0.01))
        os.kill(running.pid, signal.SIGKILL)
        with pytest.raises(NotMeasured, match=r"(?s)driver ended. Last output:.*a marker"):
            running.measure(Round(Case.SAGA, 1, 0.01))
