"""The database: a pool of connections, statements and transactions that raise the errors of the services."""

from __future__ import annotations

import functools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, overload

import psycopg
from psycopg.rows import RowFactory, kwargs_row, namedtuple_row, scalar_row, tuple_row
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from services import tracing
from services.clock import Clock
from services.db_connections import CONNECT_TIMEOUT, OPTIONS, bounded, is_open, named
from services.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")
Values = Mapping[str, object]

#: The detail of an error of a database that cannot be reached, or is busy.
AWAY = "The database is not available or busy."
#: Seconds to wait for a free connection (contract, section 1).
POOL_TIMEOUT = 1.0
#: Statements that a connection keeps prepared.
PREPARED = 500
# SQLSTATEs: serialization failure, deadlock, lock not available.
_BUSY = frozenset({"40001", "40P01", "55P03"})
# Prefixes of SQLSTATEs: connection failure, server shutdown, out of resources, read-only (after a fail-over).
_AWAY = ("08", "57P", "53", "25006")
_READ_ONLY = "25006"
# The function of PostgreSQL that refuses a prepared statement whose columns were added or widened (FAULTS F72).
_STALE_PLAN = "RevalidateCachedQuery"
# The server ended a statement, because of its time-out or at somebody's request.
_CANCELED = "57014"


class TookTooLong(Unavailable):
    """A statement of the database, or a whole report, took longer than it may."""

    code = "took-too-long"
    answered_as = "service-unavailable"


class _StalePlan(Unavailable):
    """A prepared statement was refused before it ran; new connections take it."""

    code = "stale-statement"
    answered_as = "service-unavailable"


class Executor(ABC):
    """Runs statements: a `Transaction`, or a `Database`, which commits each statement by itself.

    Parameters are written `%(name)s`; `%(now)s` is always bound (see `services.clock.NOW`). Rows come as named tuples,
    or, with `into`, as what this callable returns for the columns as keyword arguments.
    """

    def execute(self, sql: str, values: Values | None = None) -> int:
        """Run a statement; returns how many rows it returned or changed."""
        return self._run(sql, values, tuple_row, lambda cursor: cursor.rowcount)

    @overload
    def fetch_all(self, sql: str, values: Values | None = None) -> list[Any]: ...
    @overload
    def fetch_all(self, sql: str, values: Values | None = None, *, into: Callable[..., R]) -> list[R]: ...
    def fetch_all(self, sql: str, values: Values | None = None, *, into: Callable[..., Any] | None = None) -> list[Any]:
        """All rows."""
        return self._run(sql, values, _rows(into), psycopg.Cursor.fetchall)

    @overload
    def fetch_one(self, sql: str, values: Values | None = None) -> Any: ...
    @overload
    def fetch_one(self, sql: str, values: Values | None = None, *, into: Callable[..., R]) -> R | None: ...
    def fetch_one(self, sql: str, values: Values | None = None, *, into: Callable[..., Any] | None = None) -> Any:
        """The first row, or None."""
        return self._run(sql, values, _rows(into), psycopg.Cursor.fetchone)

    def fetch_value(self, sql: str, values: Values | None = None) -> Any:
        """The first column of the first row; None without a row."""
        return self._run(sql, values, scalar_row, psycopg.Cursor.fetchone)

    def fetch_column(self, sql: str, values: Values | None = None) -> list[Any]:
        """The first column of all rows."""
        return self._run(sql, values, scalar_row, psycopg.Cursor.fetchall)

    @abstractmethod
    def after_commit(self, action: Callable[[], None]) -> None:
        """Call `action` once what was run is committed; never after a rollback. It must not raise."""

    @abstractmethod
    def _run(
        self, sql: str, values: Values | None, rows: RowFactory[Any], read: Callable[[psycopg.Cursor[Any]], R]
    ) -> R: ...


def _rows(into: Callable[..., Any] | None) -> RowFactory[Any]:
    return kwargs_row(into) if into else namedtuple_row


class Transaction(Executor):
    """Statements with one commit, at the end of `Database.transaction`."""

    def __init__(self, connection: psycopg.Connection[Any], now: datetime | None) -> None:
        self._connection = connection
        self._now = now
        #: what is called after the commit
        self.actions: list[Callable[[], None]] = []

    def after_commit(self, action: Callable[[], None]) -> None:
        self.actions.append(action)

    def _run(
        self, sql: str, values: Values | None, rows: RowFactory[Any], read: Callable[[psycopg.Cursor[Any]], R]
    ) -> R:
        parameters = {"now": self._now, **(values or {})} if values or "%(" in sql else None
        with tracing.statement(sql):
            return read(self._connection.cursor(row_factory=rows).execute(sql, parameters))


class Database(Executor):
    """A pool of connections; every service receives it.

    A statement that is run on it directly is committed by itself. When its connection is lost, `retried` may run it a
    second time: statements that must not run twice belong in a `transaction`. Failures of the database are raised as
    `Unavailable`.
    """

    def __init__(self, pool: ConnectionPool[psycopg.Connection[Any]], clock: Clock, pooler: bool) -> None:
        self._pool = pool
        self._clock = clock
        self._pooler = pooler

    def with_clock(self, clock: Clock) -> Database:
        """The same pool with another clock for `%(now)s`."""
        return Database(self._pool, clock, self._pooler)

    @property
    def pool_stats(self) -> Mapping[str, int]:
        """The statistics of psycopg's pool, such as `pool_size` and `requests_waiting`."""
        return self._pool.get_stats()

    def after_commit(self, action: Callable[[], None]) -> None:
        # Each statement is committed by itself, and has been.
        action()

    def replace_connections(self) -> None:
        """Close every connection, those in use when they are returned; new ones are opened when they are needed."""
        self._pool.drain()

    def close(self) -> None:
        """Close all connections; waiting and later callers get Unavailable."""
        self._pool.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Statements with one commit, at the end of the block. Raises Unavailable (`at_commit`: outcome unknown)."""
        with self._connection() as connection:
            committing, tx = False, Transaction(connection, self._clock.override())
            try:
                with bounded(connection) if self._pooler else connection.transaction():
                    yield tx
                    committing = True
            except psycopg.Error as error:
                raise self._translated(error, committing) from error
        for action in tx.actions:
            action()

    @contextmanager
    def snapshot(self, seconds: float) -> Iterator[Transaction]:
        """Statements of a report: they read one state of the database, and each may take so many seconds.

        Raises TookTooLong, Unavailable.
        """
        with self.transaction() as tx:
            tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            milliseconds = {"milliseconds": str(max(round(seconds * 1000), 1))}
            tx.execute("SELECT set_config('statement_timeout', %(milliseconds)s, true)", milliseconds)
            yield tx

    def run_in_transaction(self, work: Callable[[Transaction], R]) -> R:
        """Call `work` in a transaction and return its result; as `retried`, so `work` may be called again.

        Raises Unavailable and what `work` raises; then nothing is committed.
        """

        @retried
        def run() -> R:
            with self.transaction() as tx:
                return work(tx)

        return run()

    def _run(
        self, sql: str, values: Values | None, rows: RowFactory[Any], read: Callable[[psycopg.Cursor[Any]], R]
    ) -> R:
        with suppress(_StalePlan):
            return self._run_once(sql, values, rows, read)
        return self._run_once(sql, values, rows, read)

    def _run_once(
        self, sql: str, values: Values | None, rows: RowFactory[Any], read: Callable[[psycopg.Cursor[Any]], R]
    ) -> R:
        with self._connection() as connection:
            # A time-out holds in a transaction only when a pooler is in between.
            within: AbstractContextManager[None] = bounded(connection) if self._pooler else nullcontext()
            try:
                with within:
                    return Transaction(connection, self._clock.override())._run(sql, values, rows, read)
            except psycopg.Error as error:
                raise self._translated(error, committing=False) from error

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        connection = self._live_connection()
        try:
            yield connection
        finally:
            self._pool.putconn(connection)

    def _live_connection(self) -> psycopg.Connection[Any]:
        """A connection that the server has not closed while nobody used it."""
        deadline = time.monotonic() + POOL_TIMEOUT
        while True:
            try:
                connection = self._pool.getconn(timeout=max(deadline - time.monotonic(), 0.001))
            except (PoolTimeout, PoolClosed) as error:
                raise Unavailable(AWAY, waited=True) from error
            if is_open(connection):
                return connection
            connection.close()
            self._pool.putconn(connection)

    def _translated(self, error: psycopg.Error, committing: bool) -> Exception:
        code = error.sqlstate or ""
        if code == _READ_ONLY:
            # The server became a standby: every connection of the pool leads to it.
            self.replace_connections()
        if error.diag.source_function == _STALE_PLAN:
            # A migration changed what a prepared statement returns, on every connection that has it.
            self.replace_connections()
            return _StalePlan(AWAY)
        if code == _CANCELED:
            return TookTooLong("A statement of the database took too long.")
        if isinstance(error, psycopg.OperationalError) or code in _BUSY or code.startswith(_AWAY):
            return Unavailable(AWAY, at_commit=committing and code not in _BUSY)
        return error


def connect(url: str, *, pool_size: int = 10, clock: Clock | None = None, pooler: bool = False) -> Database:
    """A database at `url` (`postgresql://…`). Connects on first use; waits at most 1 s for a free connection.

    `pooler`: `url` leads to a transaction pooler, such as pgbouncer: nothing is kept from one transaction to the next.
    """
    session = {"prepare_threshold": None} if pooler else {"prepare_threshold": 2, "options": OPTIONS}
    pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
        named(url),
        min_size=0,
        max_size=pool_size,
        open=True,
        timeout=POOL_TIMEOUT,
        max_lifetime=1800,
        # An attempt to connect that fails is given up soon: the next caller then starts a new one.
        reconnect_timeout=1,
        kwargs={"autocommit": True, "connect_timeout": CONNECT_TIMEOUT, **session},
        configure=_configure,
    )
    return Database(pool, clock or Clock(), pooler)


def _configure(connection: psycopg.Connection[Any]) -> None:
    connection.prepared_max = PREPARED


def retried(method: Callable[P, R]) -> Callable[P, R]:
    """Decorator: call the method up to twice again when the database was busy or lost before the commit."""

    @functools.wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for pause in (0.02, 0.1):
            try:
                return method(*args, **kwargs)
            except Unavailable as error:
                if error.at_commit or error.waited:
                    raise
                time.sleep(pause)
        return method(*args, **kwargs)

    return run
