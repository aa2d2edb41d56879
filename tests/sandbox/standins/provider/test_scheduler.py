"""Scheduled tasks run when they are due, are attempted again, and survive a restart."""

import asyncio
import sqlite3
from collections.abc import Iterator

import pytest

from sandbox.standins.provider import scheduler
from sandbox.standins.provider.scheduler import MAX_CONCURRENT, SCHEMA, ScheduledTask, Scheduler
from sandbox.standins.storage import open_database


class Recorder:
    """A handler that records the tasks' names and attempts and returns the next of `answers`, then None."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.calls: list[tuple[str, int]] = []
        self.answers: list[float] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.scheduler = Scheduler(db, "test", self.handle)

    async def handle(self, task: ScheduledTask) -> float | None:
        self.calls.append((task.body["name"], task.attempt))
        await self.may_end.wait()
        return self.answers.pop(0) if self.answers else None

    async def run_until(self, count: int) -> None:
        """Run the scheduler until there were `count` calls and nothing is running."""
        running = asyncio.create_task(self.scheduler.run())
        async with asyncio.timeout(5):
            while len(self.calls) < count or self.scheduler._running:
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    db = open_database(None, "provider.sqlite", SCHEMA)
    yield db
    db.close()


@pytest.fixture
async def recorder(db: sqlite3.Connection) -> Recorder:
    return Recorder(db)


def left(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM scheduled_tasks").fetchone()[0])


async def test_tasks_run_in_the_order_in_which_they_are_due(recorder: Recorder, db: sqlite3.Connection) -> None:
    for name, delay in (("third", 0.05), ("first", 0.0), ("second", 0.0)):
        recorder.scheduler.schedule({"name": name}, delay)
    await recorder.run_until(3)

    assert recorder.calls == [("first", 0), ("second", 0), ("third", 0)]
    assert left(db) == 0


async def test_task_is_attempted_again_after_the_delay_of_its_handler(recorder: Recorder) -> None:
    recorder.answers = [0.01, 0.01]
    recorder.scheduler.schedule({"name": "a"})
    await recorder.run_until(3)

    assert recorder.calls == [("a", 0), ("a", 1), ("a", 2)]


async def test_task_of_an_earlier_run_is_done(recorder: Recorder, db: sqlite3.Connection) -> None:
    recorder.scheduler.schedule({"name": "a"}, 60)
    await recorder.run_until(0)
    db.execute("UPDATE scheduled_tasks SET due = 0")
    restarted = Recorder(db)
    await restarted.run_until(1)

    assert (recorder.calls, restarted.calls, left(db)) == ([], [("a", 0)], 0)


async def test_task_of_a_rolled_back_transaction_is_not_run(recorder: Recorder, db: sqlite3.Connection) -> None:
    db.execute("BEGIN")
    recorder.scheduler.schedule({"name": "rolled back"})
    db.execute("ROLLBACK")
    recorder.scheduler.schedule({"name": "a"})
    await recorder.run_until(1)

    assert recorder.calls == [("a", 0)]


async def test_limited_number_of_tasks_runs_at_once(recorder: Recorder) -> None:
    recorder.may_end.clear()
    for number in range(MAX_CONCURRENT + 2):
        recorder.scheduler.schedule({"name": str(number)})
    running = asyncio.create_task(recorder.run_until(MAX_CONCURRENT + 2))
    while len(recorder.calls) < MAX_CONCURRENT:
        await asyncio.sleep(0.005)
    assert len(recorder.calls) == MAX_CONCURRENT

    recorder.may_end.set()
    await running
    assert [int(name) for name, _ in recorder.calls] == list(range(MAX_CONCURRENT + 2))


async def test_a_task_whose_result_cannot_be_written_is_attempted_again(
    recorder: Recorder, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "RETRY_AFTER_ERROR", 0.01)
    full = "CREATE TRIGGER full BEFORE DELETE ON scheduled_tasks BEGIN SELECT RAISE(FAIL, 'disk full'); END"
    db.execute(full)
    recorder.scheduler.schedule({"name": "a"})
    running = asyncio.create_task(recorder.run_until(3))
    async with asyncio.timeout(5):
        while len(recorder.calls) < 2:
            await asyncio.sleep(0.005)
    db.execute("DROP TRIGGER full")
    await running

    assert {*recorder.calls} == {("a", 0)}
    assert left(db) == 0
