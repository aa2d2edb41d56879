"""What a transaction pooler does not keep from one transaction to the next (FAULTS F29)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from services import db
from services.bootstrap import connect_database, direct_url
from services.db import Database, Executor, TookTooLong
from services.errors import Unavailable
from services.settings import Settings

BOUNDS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "timezone")
#: Clients, more than the connections that the pooler has to the server.
CLIENTS = 6


@pytest.fixture
def pooled(pooler_url: str) -> Iterator[Database]:
    """A client of a pooler that has two connections to the server."""
    database = db.connect(pooler_url, pool_size=CLIENTS, pooler=True)
    yield database
    database.close()


def shown(executor: Executor) -> list[str]:
    return [executor.fetch_value(f"SHOW {name}") for name in BOUNDS]


def test_F29_every_transaction_and_every_single_statement_has_its_bounds(
    pooled: Database, database_url: str, pooler_url: str
) -> None:
    ours = ["3s", "5s", "10s", "UTC"]
    with pooled.transaction() as tx:
        assert shown(tx) == ours
    assert shown(pooled) == ours
    with pooled.snapshot(60) as report:
        assert shown(report) == ["3s", "1min", "10s", "UTC"]
    assert shown(pooled) == ours
    with psycopg.connect(pooler_url, autocommit=True, prepare_threshold=None) as another:
        assert [another.execute(f"SHOW {name}").fetchall()[0][0] for name in BOUNDS[:3]] == ["0", "0", "0"]


def seconds_until(refusal: type[Unavailable], run: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        run()
    assert type(refused.value) is refusal
    return time.monotonic() - started


def in_both_ways(database: Database, sql: str, refusal: type[Unavailable]) -> list[float]:
    """The seconds until the statement is refused, run by itself and in a transaction."""

    def together() -> None:
        with database.transaction() as tx:
            tx.execute(sql)

    with ThreadPoolExecutor(2) as threads:
        runs = [lambda: database.execute(sql), together]
        return [*threads.map(lambda run: seconds_until(refusal, run), runs)]


def test_F29_a_statement_that_does_not_end_is_cancelled(pooled: Database) -> None:
    assert all(4.5 < took < 10 for took in in_both_ways(pooled, "SELECT pg_sleep(30)", TookTooLong))


def test_F29_a_lock_is_not_waited_for_longer_than_three_seconds(pooled: Database, database_url: str) -> None:
    # The server ends the lock in time if a statement should wait for longer.
    options = "-c idle_in_transaction_session_timeout=15s"
    with psycopg.connect(database_url, options=options) as holder:
        holder.execute("LOCK TABLE catalog.products IN ACCESS EXCLUSIVE MODE")
        waits = in_both_ways(pooled, "SELECT count(*) FROM catalog.products", Unavailable)
    assert all(2.5 < took < 8 for took in waits)


def test_F29_the_statements_of_many_clients_do_not_meet(pooled: Database) -> None:
    """Each client repeats a few statements, so that a direct connection would keep them prepared."""
    barrier = threading.Barrier(CLIENTS)

    def ask(client: int) -> list[object]:
        barrier.wait(10)
        answers: list[object] = []
        for number in range(40):
            value = client * 1000 + number
            with pooled.transaction() as tx:
                answers.append(tx.fetch_value("SELECT cast(%(value)s AS bigint)", {"value": value}) == value)
                answers.append(tx.fetch_value("SELECT cast(%(value)s AS text)", {"value": str(value)}) == str(value))
            answers.append(pooled.fetch_value("SELECT 2 * cast(%(value)s AS bigint)", {"value": value}) == 2 * value)
        return answers

    with ThreadPoolExecutor(CLIENTS) as threads:
        assert {answer for answers in threads.map(ask, range(CLIENTS)) for answer in answers} == {True}


def test_F29_a_client_that_gets_no_connection_to_the_server_is_refused(pooled: Database, pooler_url: str) -> None:
    """`query_wait_timeout` of deploy/pgbouncer.ini: by default it would wait for two minutes."""
    ready, end = threading.Barrier(3), threading.Event()

    def hold() -> None:
        with pooled.transaction() as tx:
            tx.execute("SELECT 1")
            ready.wait(10)
            end.wait(30)

    with ThreadPoolExecutor(2) as threads:
        held = [threads.submit(hold) for _ in range(2)]
        ready.wait(10)
        try:
            assert seconds_until(Unavailable, lambda: pooled.fetch_value("SELECT 1")) < 8
        finally:
            end.set()
        for each in held:
            each.result()


def test_F29_a_listen_address_says_that_a_pooler_is_in_between(database_url: str, pooler_url: str) -> None:
    settings = Settings(app_env="development", database_url=pooler_url, database_listen_url=database_url)
    assert direct_url(settings) == database_url
    database = connect_database(settings, 1)
    assert shown(database) == ["3s", "5s", "10s", "UTC"]
    database.close()
    without = Settings(app_env="development", database_url=database_url)
    assert direct_url(without) == database_url
    database = connect_database(without, 1)
    database.execute("SET application_name = 'kept'")
    assert database.fetch_value("SHOW application_name") == "kept"
    database.close()
