"""Migrates the database to the newest schema; safe to run from several processes at once."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Literal

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.errors import DeadlockDetected, InsufficientPrivilege, LockNotAvailable
from sqlalchemy.exc import OperationalError, ProgrammingError

from services.db import Executor
from services.db_direct import direct_connection

ROOT = Path(__file__).resolve().parent.parent
#: `newer`: that of a later version, with which this one works too (docs/deploying.md); `older`: migrations are missing.
SchemaState = Literal["current", "newer", "older"]
#: The first version of PostgreSQL that has what the migrations use, as the server writes it.
OLDEST = 180_000
#: How often a migration is tried that waits for locks, and the seconds in between: statements that wait for it go on.
ATTEMPTS = 60
PAUSE = 1.0


def config(url: str) -> Config:
    """Alembic's configuration for the database at `url` (`postgresql://…`)."""
    alembic = Config(toml_file=ROOT / "pyproject.toml")
    alembic.attributes["url"] = url
    return alembic


def to_head(url: str) -> SchemaState:
    """Apply every missing migration; changes nothing when the schema is `newer`. Returns what the schema is then.

    `url` must not lead to a pooler: the lock of the migrations lasts as long as their connection.

    Raises:
        ValueError: the server is too old, or the role may not change the schema.
        Unavailable: the server cannot be reached.
    """
    _check_version(url)
    if _state_at(url) == "newer":
        return "newer"
    try:
        upgrade(config(url))
    except CommandError:
        # A later version may have migrated since: this one does not know its migrations.
        if _state_at(url) == "newer":
            return "newer"
        raise
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise ValueError(
            "The role of DATABASE_URL may not change the schema: give migrate the address of the role that owns the"
            " database (market_owner)."
        ) from None
    return "current"


def _check_version(url: str) -> None:
    with direct_connection(url) as database:
        present = int(database.fetch_value("SELECT current_setting('server_version_num')"))
    if present < OLDEST:
        raise ValueError(
            f"PostgreSQL {OLDEST // 10_000} or newer is needed, and the server of DATABASE_URL is {present // 10_000}."
        )


def _state_at(url: str) -> SchemaState:
    with direct_connection(url) as database:
        return state(database)


def upgrade(alembic: Config) -> None:
    """Apply every missing migration; one that does not get a lock within 2 s is tried again, for minutes."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            command.upgrade(alembic, "head")
        except OperationalError as error:
            if attempt == ATTEMPTS or not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
                raise
            structlog.get_logger().warning("migrate.lock_not_available", attempt=attempt)
            time.sleep(PAUSE)
        else:
            return


def state(database: Executor) -> SchemaState:
    """How the schema of the database compares with that of this version."""
    if database.fetch_value("SELECT to_regclass('alembic_version')") is None:
        return "older"
    present = set(database.fetch_column("SELECT version_num FROM alembic_version"))
    known, heads = _revisions()
    if present == heads:
        return "current"
    # Versions only add migrations: one that is not known here was added later.
    return "newer" if present - known else "older"


@cache  # reads and runs every migration script
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    scripts = ScriptDirectory.from_config(config(""))
    return frozenset(each.revision for each in scripts.walk_revisions()), frozenset(scripts.get_heads())
