"""One connection past a pooler, for what is asked once: it says why it cannot be made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from services.db import AWAY, Executor, Transaction
from services.db_connections import CONNECT_TIMEOUT, OPTIONS, named
from services.errors import Unavailable


@contextmanager
def direct_connection(url: str) -> Iterator[Executor]:
    """Statements on one connection, each committed by itself; `url` must not lead to a pooler.

    A pool connects in the background and tells its callers only that they waited. This raises Unavailable as soon as
    the server refuses, with its error as the cause.
    """
    try:
        with psycopg.connect(
            named(url), autocommit=True, connect_timeout=CONNECT_TIMEOUT, options=OPTIONS
        ) as connection:
            yield Transaction(connection, None)
    except psycopg.OperationalError as error:
        raise Unavailable(AWAY) from error
