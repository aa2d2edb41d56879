"""Rate limiter in PostgreSQL: exact limits across processes and threads, and what it allows without a database."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from services import db, rate_limiter
from services.clock import Clock
from services.db import Database
from services.errors import RateLimited, Unavailable
from services.rate_limiter import Rate, RateLimiter
from tests.fakes.clock import FakeClock

KEY = "a key of tests alone"
STRICT = Rate("tries", 20, 3600)
COARSE = Rate("reads", 120, 60, strict=False)
SPENT = Rate("once", 1, 600)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.fixture
def counted(database: Database, clock: FakeClock) -> RateLimiter:
    return RateLimiter(database, KEY, clock)


@pytest.fixture
def away() -> Database:
    return db.connect("postgresql://market@127.0.0.1:1/market")


def allowed(counted: RateLimiter, rate: Rate, times: int, subject: str = "anna") -> int:
    """How many of these requests are allowed."""
    return sum(wait_of(counted, rate, subject) == 0 for _ in range(times))


def wait_of(counted: RateLimiter, rate: Rate, subject: str = "anna") -> int:
    """Seconds to wait, 0 when it is allowed."""
    try:
        counted.acquire([rate], subject)
    except RateLimited as refusal:
        return refusal.retry_after
    return 0


def arrivals(database: Database, table: str = "strict") -> list[datetime]:
    with database.transaction() as tx:
        return list(tx.fetch_column(f"SELECT arrival FROM limits.{table} ORDER BY rule"))  # noqa: S608 - a constant


@pytest.mark.parametrize("rate", [STRICT, COARSE, Rate("few", 3, 60, strict=False)], ids=lambda rate: rate.name)
def test_G7_a_burst_of_the_rate_is_allowed_and_no_more(counted: RateLimiter, rate: Rate) -> None:
    assert allowed(counted, rate, int(rate.times) + 5) == rate.times
    assert allowed(counted, rate, 1, "boris") == 1


def test_G7_one_more_request_is_allowed_after_each_step(counted: RateLimiter, clock: FakeClock) -> None:
    assert allowed(counted, STRICT, 20) == 20
    assert wait_of(counted, STRICT) == 180
    clock.move(seconds=179)
    assert wait_of(counted, STRICT) == 1
    clock.move(seconds=1)
    assert [wait_of(counted, STRICT) for _ in range(2)] == [0, 180]
    # Time that nobody uses is no credit.
    clock.move(seconds=3 * 3600)
    assert allowed(counted, STRICT, 25) == 20


def test_G7_coarse_rates_recover_at_the_steady_rate(counted: RateLimiter, clock: FakeClock) -> None:
    assert allowed(counted, COARSE, 121) == 120
    assert wait_of(counted, COARSE) == 1
    clock.move(seconds=1)
    assert allowed(counted, COARSE, 3) == 2
    clock.move(seconds=60)
    assert allowed(counted, COARSE, 130) == 120


def test_a_refusal_does_not_extend_the_wait(counted: RateLimiter, database: Database) -> None:
    allowed(counted, STRICT, 20)
    before = arrivals(database)

    assert {wait_of(counted, STRICT) for _ in range(10)} == {180}
    assert arrivals(database) == before


def test_when_one_rate_refuses_no_rate_is_counted(counted: RateLimiter, database: Database) -> None:
    narrow, wide = Rate("a-wide", 10, 60), Rate("b-narrow", 1, 60)
    counted.acquire([narrow, wide], "anna")
    before = arrivals(database)

    with pytest.raises(RateLimited) as refused:
        counted.acquire([narrow, wide], "anna")
    assert refused.value.retry_after == 60
    assert arrivals(database) == before


@pytest.mark.parametrize("rate", [STRICT, COARSE], ids=lambda rate: rate.name)
def test_T15_sixty_four_concurrent_requests_of_two_processes(database: Database, clock: FakeClock, rate: Rate) -> None:
    processes = [RateLimiter(database, KEY, clock), RateLimiter(database, KEY, clock)]
    with ThreadPoolExecutor(64) as pool:
        waits = list(pool.map(lambda number: wait_of(processes[number % 2], rate), range(192)))

    assert Counter(wait == 0 for wait in waits)[True] == rate.times


def test_a_process_leases_many_coarse_permits_with_one_query(counted: RateLimiter, database: Database) -> None:
    assert allowed(counted, COARSE, 6) == 6
    before = arrivals(database, "coarse")
    assert allowed(counted, COARSE, 1) == 1
    after = arrivals(database, "coarse")

    assert (after[0] - before[0]).total_seconds() == 6 * COARSE.step
    assert allowed(counted, COARSE, 5) == 5
    assert arrivals(database, "coarse") == after


def test_subjects_cannot_be_read_from_the_rows(counted: RateLimiter, database: Database) -> None:
    counted.acquire([STRICT, COARSE], "203.0.113.7")
    with database.transaction() as tx:
        stored = tx.fetch_column("SELECT subject FROM limits.strict UNION ALL SELECT subject FROM limits.coarse")
        subjects = {bytes(subject) for subject in stored}

    assert len(subjects) == 2
    assert {len(subject) for subject in subjects} == {32}
    assert not any(b"203" in subject for subject in subjects)


def test_local_leases_are_bounded(counted: RateLimiter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limiter, "MAX_LOCAL_LEASES", 10)
    for number in range(50):
        counted.acquire([COARSE], f"address {number}")

    assert len(counted._leases) == 10


def test_T15_strict_rates_fail_closed(away: Database) -> None:
    with pytest.raises(Unavailable):
        RateLimiter(away, KEY, Clock()).acquire([STRICT], "anna")


def test_T73_coarse_rates_fail_open_with_one_warning(away: Database, capfd: pytest.CaptureFixture[str]) -> None:
    counted = RateLimiter(away, KEY, Clock())

    assert allowed(counted, COARSE, 300) == 300
    assert "".join(capfd.readouterr()).count("rate_limiter.not_counted") == 1


def test_rows_that_limit_nothing_are_deleted_batch_by_batch(
    counted: RateLimiter, database: Database, clock: FakeClock
) -> None:
    for subject in ("anna", "boris", "vera"):
        counted.acquire([STRICT, COARSE], subject)
    clock.move(seconds=STRICT.step + 1)
    counted.acquire([STRICT, COARSE], "galina")
    assert [counted.delete_expired(4) for _ in range(3)] == [4, 2, 0]
    assert (len(arrivals(database, "strict")), len(arrivals(database, "coarse"))) == (1, 1)


def test_a_limit_that_is_in_effect_survives_the_deletion(counted: RateLimiter, clock: FakeClock) -> None:
    people = [f"person {number}" for number in range(100)]
    for person in people:
        counted.acquire([SPENT], person)
    clock.move(seconds=SPENT.seconds - 1)
    assert counted.delete_expired(1000) == 0
    assert [wait_of(counted, SPENT, person) for person in people] == [1] * 100
    clock.move(seconds=2)
    assert counted.delete_expired(1000) == 100
    assert [wait_of(counted, SPENT, person) for person in people] == [0] * 100


@pytest.mark.parametrize(("factor", "times"), [(1000, 120_000), (0.5, 60), (0.0001, 1)], ids=str)
def test_rates_are_scaled(factor: float, times: float) -> None:
    assert COARSE.scaled(factor).times == times
