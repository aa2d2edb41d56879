"""One SQLite file and its transactions, used from the event loop only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_database(folder: Path | None, name: str, schema: str) -> sqlite3.Connection:
    """Opens `name` in `folder` (in memory when there is none) and makes what `schema` says is missing.

    Writes survive the process, not a power cut: the sandbox pays for speed with `synchronous=OFF`.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    path = ":memory:" if folder is None else str(folder / name)
    # The application is put together in one thread and served in another; the two never overlap.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {schema}")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing. Nobody awaits inside: the connection is shared by every task of the loop."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
