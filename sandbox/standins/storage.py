"""SQLite databases of the stand-ins; used from the event loop only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_database(folder: Path | None, name: str, schema: str) -> sqlite3.Connection:
    """Open `name` in `folder` (in memory when `folder` is None) and create missing tables of `schema`.

    For speed, writes survive a crash of the process but not of the machine (`synchronous=OFF`), and no other
    process can open the database meanwhile (`locking_mode=EXCLUSIVE`).
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    path = ":memory:" if folder is None else str(folder / name)
    # The application is built in one thread and served in another, never at the same time.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.executescript(f"PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {schema}")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction. Code inside must not await: all tasks of the event loop share the connection."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
