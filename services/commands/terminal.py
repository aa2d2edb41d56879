"""What all commands share: settings, database sessions, and errors as one line without a traceback."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from sqlalchemy.exc import OperationalError

from services import db, migrate
from services.bootstrap import connect_database, direct_url, sandbox_file
from services.catalog.files import UnreadableFile
from services.catalog.importing import InvalidRow, InvalidRows
from services.db import Database
from services.db_direct import direct_connection
from services.errors import Invalid, Refused, Unavailable
from services.settings import Settings
from services.startup import read

_NO_DATABASE = "The database cannot be reached or is busy: check that it is running and DATABASE_URL is right."
#: Why it cannot be reached, by a part of the text of libpq or of a server that writes English.
_REASONS = {
    "certificate": (
        "The database's certificate is refused: check sslmode and sslrootcert of DATABASE_URL, and that its host is in"
        " the certificate."
    ),
    "password authentication failed": (
        "The database refuses the role of DATABASE_URL or its password: `@ : /` in a password are %40 %3A %2F."
    ),
    "no pg_hba.conf entry": (
        "The database takes no such connection: check sslmode and role in DATABASE_URL, and the server's pg_hba.conf."
    ),
    # before the next one, whose words it has too
    'role "': "The role of DATABASE_URL does not exist or may not log in: deploy/postgres-roles.sh creates it.",
    "does not exist": "The server has no database of the name in DATABASE_URL: deploy/postgres-roles.sh creates it.",
    "permission denied for database": "The role of DATABASE_URL may not connect to this database.",
    "failed to resolve host": "The host of DATABASE_URL is not known: check its name.",
}
#: How many invalid rows are listed; the others are counted.
LISTED = 50


def read_settings() -> Settings:
    """The settings of a command."""
    # Commands encrypt and decrypt no stored value, so the keys that production requires are not needed.
    return read(app_env="development")


def read_connections() -> Settings:
    """The settings of a command that connects to Temporal or to the payment provider as well.

    Without DATABASE_URL they are those of the sandbox that runs on DATA_DIR. Raises ValueError when there is none.
    """
    settings = read_settings()
    if settings.database_url:
        return settings
    addresses = sandbox_file(settings, "addresses.json")
    return read(
        app_env="development",
        temporal_address=addresses["temporal"],
        temporal_ui_url=settings.temporal_ui_url or addresses.get("temporalUi"),
        payment_gateway_url=f"{addresses['sandbox']}/v3",
        yookassa_shop_id="sandbox",
        yookassa_secret_key=sandbox_file(settings, "secrets.json")["yookassaSecretKey"],
    )


def read_temporal() -> Settings:
    """The settings of a command that connects to Temporal only: TEMPORAL_ADDRESS, or that of the sandbox."""
    settings = read_settings()
    return settings if "temporal_address" in settings.model_fields_set else read_connections()


@contextmanager
def open_database() -> Iterator[Database]:
    """The database of the settings. Raises ValueError when its schema is older than this version."""
    settings = read_settings()
    with direct_connection(direct_url(settings)) as one:
        if migrate.state(one) == "older":
            raise ValueError("The schema is not current: run `python -m services migrate` first.")
    database = connect_database(settings, 2)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def errors_as_messages(*, unavailable: int = 1) -> Iterator[None]:
    """Print an expected error as one message and exit with 2 (wrong input), `unavailable` (a part is away) or 1."""
    try:
        yield
    except InvalidRows as error:
        print_rows(error.rows, f"Nothing was imported: {len(error.rows):,} rows are invalid.")
        raise typer.Exit(2) from None
    except (UnreadableFile, ValueError) as error:
        _exit(str(error), 2)
    except Invalid as error:
        _exit(error.detail, 2)
    except Refused as error:
        _exit(error.detail, 1)
    except (Unavailable, OperationalError) as error:
        other = isinstance(error, Unavailable) and error.detail != db.AWAY
        _exit(str(error) if other else _about_the_database(error), unavailable)


def _about_the_database(error: BaseException) -> str:
    """Why it cannot be reached; the text of libpq itself may have a part of the address."""
    cause: BaseException | None = error
    while cause:
        text = str(cause)
        if known := next((sentence for part, sentence in _REASONS.items() if part in text), None):
            return known
        cause = cause.__cause__ or cause.__context__
    return _NO_DATABASE


def say(line: str) -> None:
    """Print a line as it is: one that is cut or coloured cannot be searched for."""
    Console().print(line, soft_wrap=True, markup=False, highlight=False)


def moment(at: datetime) -> str:
    """`2026-03-01 14:05:09`."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


@contextmanager
def progress_bar(text: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how far something is, with the time left; yields what is called with how much is done."""
    console = Console(stderr=True)
    columns = (
        [*Progress.get_default_columns(), MofNCompleteColumn()]
        if total
        else [SpinnerColumn(), TextColumn(text), TextColumn("{task.completed:,.0f}")]
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(text, total=total)
        yield lambda done: progress.update(task, completed=done)


def user_name() -> str:
    """The user of this machine, for what keeps who did it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container's user may have no name


def print_rows(rows: Sequence[InvalidRow], summary: str) -> None:
    """List invalid rows, the first ones, with a last line."""
    lines = [f"{row.place}: {row.reason}" for row in rows[:LISTED]]
    more = len(rows) - LISTED
    if more > 0:
        lines.append(f"… and {more:,} more")
    print("\n".join([*lines, summary]), file=sys.stderr)


def _exit(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(code)
