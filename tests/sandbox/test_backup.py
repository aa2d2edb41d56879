"""`python -m sandbox backup` and `restore`: what they keep, what they refuse, and who can read it."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from sandbox.addresses import ADDRESSES_FILE, SECRETS_FILE, Secrets
from sandbox.backup import DUMP, MANIFEST, TEMPORAL, Backups, Part
from sandbox.datadir import DataDir
from sandbox.errors import CannotStart
from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from sandbox.settings import StackSettings


@contextmanager
def a_server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """The PostgreSQL of a data directory."""
    password = Secrets.of(DataDir(folder)).database_password
    with EmbeddedPostgres(folder, free_port(), password, durable=False) as server:
        yield server


def backups(folder: Path) -> Backups:
    return Backups(StackSettings.for_tests(folder))


def write(folder: Path, answer: int) -> None:
    """Give both stores of a data directory a row."""
    folder.mkdir(exist_ok=True)
    with a_server(folder) as server, psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (answer int)")
        connection.execute("DELETE FROM kept")
        connection.execute("INSERT INTO kept VALUES (%s)", [answer])
    with closing(sqlite3.connect(folder / TEMPORAL, isolation_level=None)) as db:
        db.executescript("PRAGMA journal_mode=WAL; DROP TABLE IF EXISTS kept; CREATE TABLE kept (answer int)")
        db.execute("INSERT INTO kept VALUES (?)", [answer])


def rows(folder: Path) -> tuple[int, int]:
    """The row of the database, and that of Temporal's store."""
    with a_server(folder) as server, psycopg.connect(server.url()) as connection:
        (row,) = connection.execute("SELECT answer FROM kept").fetchall()
    with closing(sqlite3.connect(folder / TEMPORAL)) as db:
        (temporal,) = db.execute("SELECT answer FROM kept").fetchall()
    return row[0], temporal[0]


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data directory whose stores have 1, and its backup; the tests do not change them."""
    folder, to = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("backup") / "first"
    write(folder, 1)
    (folder / "signing-key.pem").write_text("a key")
    backups(folder).backup(to)
    return folder, to


def test_a_backup_is_restored_into_a_new_directory(made: tuple[Path, Path], tmp_path: Path) -> None:
    folder, to = made
    backups(tmp_path / "new").restore(to)
    assert rows(tmp_path / "new") == (1, 1)
    for name in (SECRETS_FILE, "signing-key.pem"):
        assert (tmp_path / "new" / name).read_text() == (folder / name).read_text()


def test_only_its_owner_can_read_a_backup(made: tuple[Path, Path]) -> None:
    _, to = made
    assert {path.name for path in to.iterdir()} == {DUMP, TEMPORAL, MANIFEST, SECRETS_FILE, "signing-key.pem"}
    assert (modes(to), stat.S_IMODE(to.stat().st_mode)) == ({0o600}, 0o700)


def test_a_running_stack_is_backed_up(tmp_path: Path) -> None:
    folder = tmp_path / "running"
    write(folder, 1)
    stack = DataDir(folder)
    stack.lock()
    with a_server(folder) as server, closing(sqlite3.connect(folder / TEMPORAL, isolation_level=None)) as db:
        stack.write(ADDRESSES_FILE, {"database": server.url()})
        db.execute("UPDATE kept SET answer = 2")  # in the log beside the file
        backups(folder).backup(tmp_path / "backup")
        with pytest.raises(CannotStart, match="in use by another sandbox"):
            backups(folder).restore(tmp_path / "backup", force=True)
    stack.unlock()
    backups(tmp_path / "new").restore(tmp_path / "backup")
    assert rows(tmp_path / "new") == (1, 2)


def test_data_is_replaced_only_with_force(made: tuple[Path, Path], tmp_path: Path) -> None:
    _, to = made
    folder = tmp_path / "used"
    write(folder, 2)
    before = DataDir(folder).read(SECRETS_FILE)
    with pytest.raises(CannotStart, match=r"has data already \(postgres, temporal.db\): --force replaces it"):
        backups(folder).restore(to)
    assert rows(folder) == (2, 2)
    backups(folder).restore(to, force=True)
    assert rows(folder) == (1, 1)
    after, kept = DataDir(folder).read(SECRETS_FILE), DataDir(to).read(SECRETS_FILE)
    assert after == kept | {"databasePassword": before["databasePassword"]}


@pytest.mark.parametrize(("part", "expected"), [(Part.DATABASE, (1, 2)), (Part.TEMPORAL, (2, 1))])
def test_one_store_is_restored_alone(
    made: tuple[Path, Path], tmp_path: Path, part: Part, expected: tuple[int, int]
) -> None:
    write(tmp_path / "used", 2)
    backups(tmp_path / "used").restore(made[1], [part], force=True)
    assert rows(tmp_path / "used") == expected


def test_F98_a_damaged_dump_leaves_the_database_and_its_secrets_as_they_were(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in made[1].iterdir():
        (damaged / path.name).write_bytes(path.read_bytes()[: 500 if path.name == DUMP else None])
    write(tmp_path / "used", 2)
    secrets = DataDir(tmp_path / "used").read(SECRETS_FILE)
    with pytest.raises(CannotStart, match="pg_restore failed"):
        backups(tmp_path / "used").restore(damaged, force=True)
    assert rows(tmp_path / "used") == (2, 2)
    # The database that stays is encrypted with them.
    assert DataDir(tmp_path / "used").read(SECRETS_FILE) == secrets


def test_what_cannot_be_backed_up_or_restored_says_so(made: tuple[Path, Path], tmp_path: Path) -> None:
    folder, to = made
    with pytest.raises(CannotStart, match="is not empty"):
        backups(folder).backup(to)
    with pytest.raises(CannotStart, match="has no database"):
        backups(tmp_path / "nothing").backup(tmp_path / "backup")
    with pytest.raises(CannotStart, match="is no complete backup"):
        backups(tmp_path / "new").restore(tmp_path)
    external = replace(StackSettings.for_tests(folder), database_url="postgresql://db.example/market")
    with pytest.raises(CannotStart, match="only the servers of `make up`"):
        Backups(external).backup(tmp_path / "backup")


def test_a_backup_of_a_later_postgresql_is_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    later = tmp_path / "later"
    later.mkdir()
    DataDir(later).write(MANIFEST, DataDir(made[1]).read(MANIFEST) | {"postgres": "99"})
    with pytest.raises(CannotStart, match="was made with PostgreSQL 99"):
        backups(tmp_path / "new").restore(later)
