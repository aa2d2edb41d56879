"""Statements and transactions on a real PostgreSQL: what is committed, and what a lost or busy connection causes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest

from services import db
from services.db import Database, TookTooLong, Transaction, retried
from services.errors import Unavailable
from tests.fakes.clock import FakeClock

COUNT = "SELECT count(*) FROM test_db"
INSERT = "INSERT INTO test_db (id) VALUES (%(id)s)"


@dataclass(frozen=True)
class Pair:
    a: int
    b: str


@pytest.fixture(params=["direct", "F29-pooler"])
def own(database_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A pool of two connections, without and with a pooler in between, and a table of the test's own."""
    pooler = request.param != "direct"
    url = request.getfixturevalue("pooler_url") if pooler else database_url
    database = db.connect(f"{url}?application_name=test_db", pool_size=2, pooler=pooler)
    database.execute("DROP TABLE IF EXISTS test_db")
    database.execute("CREATE TABLE test_db (id integer PRIMARY KEY)")
    yield database
    database.execute("DROP TABLE test_db")
    database.close()


@contextmanager
def held(database: Database, count: int) -> Iterator[None]:
    """So many connections of the pool are in use."""
    with Blocks(database, count):
        yield


class Blocks:
    """Threads that each keep a transaction open."""

    def __init__(self, database: Database, count: int) -> None:
        self._database, self._end, self._started = database, threading.Event(), threading.Barrier(count + 1)
        self._threads = [threading.Thread(target=self._hold) for _ in range(count)]

    def _hold(self) -> None:
        with self._database.transaction() as tx:
            tx.execute("SELECT 1")
            self._started.wait(5)
            self._end.wait(30)

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()
        self._started.wait(5)

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()


def end_connections(url: str) -> None:
    """End every connection of our pools, as a restart of the server does."""
    ours = "FROM pg_stat_activity WHERE application_name = 'test_db'"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid, 5000) {ours}")
        assert connection.execute(f"SELECT count(*) {ours}").fetchone() == (0,)


def test_rows_come_as_tuples_or_into_a_class(own: Database) -> None:
    sql = "SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS v (a, b) WHERE a >= %(least)s ORDER BY a"
    assert [(row.a, row.b) for row in own.fetch_all(sql, {"least": 1})] == [(1, "x"), (2, "y")]
    assert own.fetch_all(sql, {"least": 1}, into=Pair) == [Pair(1, "x"), Pair(2, "y")]
    assert own.fetch_one(sql, {"least": 2}, into=Pair) == Pair(2, "y")
    assert own.fetch_one(sql, {"least": 3}, into=Pair) is None
    assert own.fetch_value(sql, {"least": 2}) == 2
    assert own.fetch_value(sql, {"least": 3}) is None
    assert own.fetch_column(sql, {"least": 1}) == [1, 2]
    assert own.execute("SELECT 1 AS a, 2 AS a") == 1


def test_the_clock_binds_now(own: Database) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    sql = "SELECT coalesce(cast(%(now)s AS timestamptz), clock_timestamp())"
    assert own.with_clock(FakeClock(at)).fetch_value(sql) == at
    assert abs((own.fetch_value(sql) - datetime.now(UTC)).total_seconds()) < 60


def test_a_single_statement_is_committed_and_a_failed_block_is_not(own: Database) -> None:
    assert own.execute(INSERT, {"id": 1}) == 1
    with suppress(RuntimeError), own.transaction() as tx:
        tx.execute(INSERT, {"id": 2})
        raise RuntimeError
    assert own.fetch_value(COUNT) == 1


def test_a_full_pool_is_reported_after_a_second_and_not_waited_for_again(own: Database) -> None:
    read = retried(lambda: own.fetch_value(COUNT))
    with held(own, 2):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            read()
        assert 0.9 < time.monotonic() - started < 2
    assert read() == 0


def test_connections_that_the_server_ended_are_replaced_unseen(own: Database, database_url: str) -> None:
    with held(own, 2):
        pass
    end_connections(database_url)
    assert [own.fetch_value(COUNT) for _ in range(4)] == [0, 0, 0, 0]


def test_a_connection_to_which_the_server_sent_something_is_kept(database_url: str) -> None:
    one = db.connect(database_url, pool_size=1)
    one.execute("LISTEN test_db")
    before = one.fetch_value("SELECT pg_backend_pid()")
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("NOTIFY test_db")
    time.sleep(0.1)
    assert one.fetch_value("SELECT pg_backend_pid()") == before
    one.close()


def test_a_closed_database_is_not_available(database_url: str) -> None:
    closed = db.connect(database_url, pool_size=1)
    closed.close()
    with pytest.raises(Unavailable):
        closed.fetch_value("SELECT 1")


def test_a_connection_lost_before_the_commit_is_tried_again(own: Database, database_url: str) -> None:
    attempts: list[int] = []

    @retried
    def insert() -> None:
        with own.transaction() as tx:
            tx.execute(INSERT, {"id": 7})
            attempts.append(1)
            if len(attempts) == 1:
                end_connections(database_url)
            tx.execute(INSERT, {"id": 8})

    insert()
    assert len(attempts) == 2
    assert own.fetch_value(COUNT) == 2


def test_F72_a_migration_that_adds_a_column_does_not_stop_prepared_statements(own: Database, database_url: str) -> None:
    def read() -> int:
        return len(own.fetch_all("SELECT * FROM test_db"))

    def read_in_transaction() -> int:
        return own.run_in_transaction(lambda tx: len(tx.fetch_all("SELECT * FROM test_db")))

    own.execute(INSERT, {"id": 1})
    for work, column in ((read, "a"), (read_in_transaction, "b")):
        for _ in range(8):
            work()
        with held(own, 1):
            for _ in range(8):
                work()
        with psycopg.connect(database_url, autocommit=True) as migration:
            migration.execute(f"ALTER TABLE test_db ADD {column} integer DEFAULT 7")
        work()
    assert own.fetch_all("SELECT * FROM test_db") == [(1, 7, 7)]


def test_a_commit_whose_outcome_is_unknown_is_not_repeated(own: Database, database_url: str) -> None:
    attempts: list[Transaction] = []

    @retried
    def insert() -> None:
        with own.transaction() as tx:
            attempts.append(tx)
            tx.execute(INSERT, {"id": 7})
            end_connections(database_url)

    with pytest.raises(Unavailable) as refused:
        insert()
    assert refused.value.at_commit
    assert len(attempts) == 1


@pytest.mark.parametrize(("limit", "statement"), [("lock_timeout", COUNT), ("statement_timeout", "SELECT pg_sleep(5)")])
def test_a_lock_that_is_not_released_and_a_statement_that_does_not_end(
    own: Database, limit: str, statement: str
) -> None:
    def wait() -> None:
        with own.transaction() as tx:
            tx.execute(f"SET LOCAL {limit} = '50ms'")
            tx.execute(statement)

    with own.transaction() as holder:
        holder.execute("LOCK TABLE test_db IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable):
            wait()


def test_a_refused_row_is_no_trouble_of_the_database(own: Database) -> None:
    own.execute(INSERT, {"id": 1})
    with pytest.raises(psycopg.errors.UniqueViolation):
        own.execute(INSERT, {"id": 1})
    with pytest.raises(psycopg.errors.UniqueViolation), own.transaction() as tx:
        tx.execute(INSERT, {"id": 1})


def test_a_database_that_is_not_there_is_reported_within_a_second() -> None:
    nowhere = db.connect("postgresql://market@127.0.0.1:1/market", pool_size=1)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        nowhere.fetch_value("SELECT 1")
    assert time.monotonic() - started < 2
    nowhere.close()


@pytest.mark.parametrize("own", ["direct"], indirect=True)
def test_every_connection_is_replaced_after_a_fail_over(own: Database) -> None:
    own.execute("SELECT 1")
    before = own.fetch_value("SELECT pg_backend_pid()")

    def write_on_a_standby() -> None:
        with own.transaction() as tx:
            tx.execute("SET TRANSACTION READ ONLY")
            tx.execute(INSERT, {"id": 1})

    with pytest.raises(Unavailable):
        write_on_a_standby()
    assert own.fetch_value("SELECT pg_backend_pid()") != before


def test_what_follows_a_commit_is_not_called_before_it_or_after_a_rollback(own: Database) -> None:
    called: list[str] = []
    with own.transaction() as tx:
        tx.execute(INSERT, {"id": 1})
        tx.after_commit(lambda: called.append(f"{own.fetch_value(COUNT)} rows"))
        assert called == []
    assert called == ["1 rows"]
    with suppress(ZeroDivisionError), own.transaction() as tx:
        tx.after_commit(lambda: called.append("rolled back"))
        raise ZeroDivisionError
    own.after_commit(lambda: called.append("statement"))
    assert called == ["1 rows", "statement"]


def test_a_transaction_that_is_retried_calls_what_follows_once(own: Database) -> None:
    called: list[int] = []

    def work(tx: Transaction) -> None:
        tries.append(1)
        tx.after_commit(lambda: called.append(len(tries)))
        if len(tries) == 1:
            raise Unavailable("busy")

    tries: list[int] = []
    own.run_in_transaction(work)
    assert called == [2]


def test_a_report_reads_one_state_and_has_a_time_out_of_its_own(own: Database) -> None:
    with own.snapshot(10) as report:
        assert report.fetch_value(COUNT) == 0
        own.execute(INSERT, {"id": 1})
        assert report.fetch_value(COUNT) == 0
        assert report.fetch_value("SHOW statement_timeout") == "10s"
    assert own.fetch_value(COUNT) == 1
    assert own.fetch_value("SHOW statement_timeout") == "5s"
    with pytest.raises(TookTooLong), own.snapshot(0.05) as report:
        report.execute("SELECT pg_sleep(5)")
