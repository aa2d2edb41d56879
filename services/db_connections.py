"""Single connections: their time-outs, given at connect or by each transaction, and whether the server ended one."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

# A statement that waits or does not end (contract, section 1; FAULTS F26), in milliseconds.
_BOUNDS = {
    "lock_timeout": "3000",
    "statement_timeout": "5000",
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
}
# SET takes no snapshot, so the isolation level can still be chosen after it. All is one message to the server.
_BEGIN = "; ".join(("BEGIN", *(f"SET LOCAL {name} = '{value}'" for name, value in _BOUNDS.items())))
#: The time-outs as startup options of a connection.
OPTIONS = " ".join(f"-c {name}={value}" for name, value in _BOUNDS.items())


#: Seconds to connect.
CONNECT_TIMEOUT = 2


def named(url: str) -> str:
    """The address with the name that our connections have in `pg_stat_activity`."""
    return make_conninfo("application_name=market", **conninfo_to_dict(url))


@contextmanager
def bounded(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """A transaction that sets its time-outs: a pooler refuses startup options, and keeps nothing (FAULTS F29)."""
    connection.execute(_BEGIN)
    try:
        yield
    except BaseException:
        with suppress(psycopg.Error):
            connection.rollback()
        raise
    # Not `commit()`: of a server that has ended, a pooler passes on the error and adds its own, which psycopg's own
    # command reports as its internal error.
    connection.execute("COMMIT")


def is_open(connection: psycopg.Connection[Any]) -> bool:
    """False when the server has ended the connection; what else it sent unasked, such as a notice, is read first."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    try:
        while poll.poll(0):
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return True
