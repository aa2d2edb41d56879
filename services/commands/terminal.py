"""What all commands share: settings, database sessions, and errors as one line without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from sqlalchemy.exc import OperationalError

from services import db, migrate
from services.bootstrap import database_url
from services.catalog.files import UnreadableFile
from services.catalog.importing import InvalidRows
from services.db import Database
from services.errors import Refused, Unavailable
from services.settings import Settings
from services.startup import read

#: How many invalid rows are listed; the others are counted.
LISTED = 50


def read_settings() -> Settings:
    """The settings of a command."""
    # Commands encrypt and decrypt no stored value, so the keys that production requires are not needed.
    return read(app_env="development")


@contextmanager
def open_database() -> Iterator[Database]:
    """The database of the settings. Raises ValueError when its schema is not current."""
    database = db.connect(database_url(read_settings()), pool_size=2)
    try:
        if not migrate.is_at_head(database):
            raise ValueError("The schema is not current: run `python -m services migrate` first.")
        yield database
    finally:
        database.close()


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Print an expected error as one message and exit with 2 (wrong input) or 1 (other errors)."""
    try:
        yield
    except InvalidRows as error:
        _list_rows(error)
    except (UnreadableFile, ValueError) as error:
        _exit(str(error), 2)
    except Refused as error:
        _exit(error.detail, 1)
    except (Unavailable, OperationalError):
        _exit("The database cannot be reached or is busy: check that it is running and DATABASE_URL is right.", 1)


def _list_rows(error: InvalidRows) -> NoReturn:
    lines = [f"{row.place}: {row.reason}" for row in error.rows[:LISTED]]
    more = len(error.rows) - LISTED
    if more > 0:
        lines.append(f"… and {more:,} more")
    _exit("\n".join([*lines, f"Nothing was imported: {len(error.rows):,} rows are invalid."]), 2)


def _exit(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(code)
