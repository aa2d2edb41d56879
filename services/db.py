"""The database: one engine, and transactions that raise the errors of the services."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, SQLModel

from services.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

# Names for constraints, so that migrations can name what they change.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Time-outs of a statement that waits or does not end (contract, section 1; FAULTS F26), in milliseconds.
_OPTIONS = "-c lock_timeout=3000 -c statement_timeout=5000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
# SQLSTATEs: serialization failure, deadlock, lock not available.
_BUSY = frozenset({"40001", "40P01", "55P03"})
# Prefixes of SQLSTATEs: connection failure, server shutdown, out of resources, read-only (after a fail-over).
_AWAY = ("08", "57P", "53", "25006")


def connect(url: str, *, pool_size: int = 10) -> Engine:
    """An engine for `url` (`postgresql://…`). Connects on first use; waits at most 1 s for a free connection."""
    engine = sqlalchemy.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=1,
        pool_recycle=1800,
        connect_args={"options": _OPTIONS, "connect_timeout": 2, "application_name": "market"},
    )
    event.listen(engine, "handle_error", _note_lost_connection)
    return engine


def _note_lost_connection(context: sqlalchemy.engine.ExceptionContext) -> None:
    # psycopg marks only this connection as broken; after a shutdown or fail-over the whole pool must be renewed.
    code = getattr(context.original_exception, "sqlstate", None) or ""
    if code.startswith(("57P", "25006")):
        context.is_disconnect = True


class Sessions:
    """Opens transactions; every service receives it.

    The commit happens at the end of the block and nowhere else. Failures of the database are raised as `Unavailable`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One transaction. Raises Unavailable, with `at_commit` when the outcome is unknown."""
        session = Session(self.engine, expire_on_commit=False)
        committing = False
        try:
            yield session
            committing = True
            session.commit()
        except (DBAPIError, PoolTimeout) as error:
            _rollback(session)
            raise _translated(error, committing) from error
        except BaseException:
            _rollback(session)
            raise
        finally:
            session.close()


def _rollback(session: Session) -> None:
    try:
        session.rollback()
    except DBAPIError:
        session.invalidate()


def _translated(error: Exception, committing: bool) -> Exception:
    code = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    lost = isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error, OperationalError))
    if isinstance(error, PoolTimeout) or lost or code in _BUSY or code.startswith(_AWAY):
        return Unavailable("The database is not available or busy.", at_commit=committing and code not in _BUSY)
    return error


def retried(method: Callable[P, R]) -> Callable[P, R]:
    """Decorator: call the method up to twice again when the database was busy or not available before the commit."""

    @functools.wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for pause in (0.02, 0.1):
            try:
                return method(*args, **kwargs)
            except Unavailable as error:
                if error.at_commit:
                    raise
                time.sleep(pause)
        return method(*args, **kwargs)

    return run
