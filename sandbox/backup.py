"""Backup and restore of what a stack keeps: PostgreSQL, Temporal's store and the secrets of its data directory.

The stand-ins' files are no part of it: they stand for companies outside, which a restore does not take back.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from sandbox.accounts import ACCOUNTS_FILE
from sandbox.addresses import ADDRESSES_FILE, SECRETS_FILE, Secrets
from sandbox.binaries import find_binaries, major_version
from sandbox.datadir import DataDir
from sandbox.errors import CannotStart
from sandbox.ports import free_port
from sandbox.postgres import DATABASE, USER, EmbeddedPostgres
from sandbox.settings import StackSettings
from services.secrets import make_private

#: Written last: a folder without it is no complete backup.
MANIFEST = "backup.json"
DUMP, TEMPORAL = "market.dump", "temporal.db"
#: Files of a data directory without which its database cannot be read, or its users cannot sign in; those that exist.
SECRET_FILES = (SECRETS_FILE, ACCOUNTS_FILE, "secrets-key", "signing-key.pem", "webhook-secret")
FORMAT = "1"
#: The database into which a dump is read, until it is complete.
RESTORED = f"{DATABASE}_restored"


class Part(StrEnum):
    """A store that can be restored alone."""

    DATABASE = "database"
    TEMPORAL = "temporal"


@dataclass(frozen=True)
class Backups:
    """Makes backups of a stack's data directory, and restores them."""

    settings: StackSettings

    def backup(self, to: Path) -> None:
        """Write a backup into a new or empty folder, also while the stack runs.

        Temporal's store is copied before the database is dumped: an order that comes in between has a row, from which
        recovery starts its workflow. Raises CannotStart.
        """
        self._require_own_servers()
        if to.exists() and any(to.iterdir()):
            raise CannotStart(f"{to} is not empty: choose a new folder for the backup.")
        folder = DataDir(self.settings.data_dir)
        if not (folder.path / "postgres").exists():
            raise CannotStart(f"{folder.path} has no database: nothing to back up.")
        make_private(to)
        with self._database(folder) as url:
            _copy_temporal(folder.path / TEMPORAL, to / TEMPORAL)
            _run("pg_dump", ["--format=custom"], url, to / DUMP)
        kept = [name for name in SECRET_FILES if (folder.path / name).exists()]
        for name in kept:
            _copy_private(folder.path / name, to / name)
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        DataDir(to).write(MANIFEST, {"format": FORMAT, "postgres": major_version(find_binaries()), "madeAt": made_at})

    def restore(self, source: Path, parts: Sequence[Part] = tuple(Part), *, force: bool = False) -> None:
        """Put a backup, or one of its stores, into the data directory of a stack that does not run.

        `force`: replace what is there; without it, data that exists is refused. The password of an existing cluster
        stays. The database is replaced when its dump has been read in full. Raises CannotStart.
        """
        self._require_own_servers()
        _check(source)
        folder = DataDir(self.settings.data_dir)
        folder.lock()
        try:
            self._require_no_data(folder.path, parts, force=force)
            if Part.DATABASE in parts:
                self._restore_database(source, folder)
            if Part.TEMPORAL in parts:
                _restore_temporal(source / TEMPORAL, folder.path / TEMPORAL)
        finally:
            folder.unlock()

    def _restore_database(self, source: Path, folder: DataDir) -> None:
        """The database with its secrets: those that are there stay until the dump has been read in full."""
        is_new = not (folder.path / "postgres").exists()
        if is_new:
            _restore_secrets(source, folder)
        with self._started(folder) as postgres:
            _replace_database(postgres, source / DUMP)
        if not is_new:
            _restore_secrets(source, folder)

    def _require_own_servers(self) -> None:
        if self.settings.database_url or self.settings.temporal_address:
            raise CannotStart(
                "DATABASE_URL or TEMPORAL_ADDRESS is set: only the servers of `make up` are backed up here. "
                'docs/deploying.md, "Backup and restore", has the commands for others.'
            )

    def _require_no_data(self, path: Path, parts: Sequence[Part], *, force: bool) -> None:
        names = {Part.DATABASE: "postgres", Part.TEMPORAL: TEMPORAL}
        found = [names[part] for part in parts if (path / names[part]).exists()]
        if found and not force:
            raise CannotStart(f"{path} has data already ({', '.join(found)}): --force replaces it.")

    @contextmanager
    def _database(self, folder: DataDir) -> Iterator[str]:
        """The URL of the database: of the running stack, or of a server that runs meanwhile."""
        try:
            folder.lock()
        except CannotStart as in_use:
            url = folder.read(ADDRESSES_FILE).get("database")
            if url is None:
                raise CannotStart(f"{in_use} (It is starting or stopping: try again when it is ready.)") from None
            yield url
            return
        try:
            with self._started(folder) as postgres:
                yield postgres.url()
        finally:
            folder.unlock()

    @contextmanager
    def _started(self, folder: DataDir) -> Iterator[EmbeddedPostgres]:
        password = Secrets.of(folder).database_password
        with EmbeddedPostgres(folder.path, free_port(), password, durable=self.settings.durable) as postgres:
            yield postgres


def _check(source: Path) -> None:
    manifest = DataDir(source).read(MANIFEST)
    if manifest.get("format") != FORMAT:
        raise CannotStart(f"{source} is no complete backup: it has no {MANIFEST} of `make backup`.")
    if int(manifest["postgres"]) > int(major_version(find_binaries())):
        raise CannotStart(f"{source} was made with PostgreSQL {manifest['postgres']}: use that version or a later one.")


def _restore_secrets(source: Path, folder: DataDir) -> None:
    present, kept = folder.read(SECRETS_FILE), DataDir(source).read(SECRETS_FILE)
    if (folder.path / "postgres").exists() and "databasePassword" in present:
        kept["databasePassword"] = present["databasePassword"]
    for name in SECRET_FILES[1:]:
        if (source / name).exists():
            _copy_private(source / name, folder.path / name)
    folder.write(SECRETS_FILE, kept)


def _replace_database(postgres: EmbeddedPostgres, dump: Path) -> None:
    name, restored = sql.Identifier(DATABASE), sql.Identifier(RESTORED)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(restored))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(restored, sql.Identifier(USER)))
        _run("pg_restore", ["--exit-on-error", "--no-owner", str(dump)], postgres.url(RESTORED))
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(restored, name))


def _run(program: str, options: Sequence[str], url: str, to: Path | None = None) -> None:
    """Run a program of PostgreSQL on a database; its output goes into a private file. Raises CannotStart."""
    at = urlsplit(url)
    database = at._replace(netloc=f"{at.username}@{at.hostname}:{at.port}").geturl()
    argv = [str(find_binaries() / program), "--dbname", database]
    # The command line of a process can be read by every user of the machine, its environment cannot.
    env = {**os.environ, "PGPASSWORD": unquote(at.password or "")}
    try:
        with _private(to) if to else Path(os.devnull).open("wb") as output:
            subprocess.run([*argv, *options], env=env, stdout=output, stderr=subprocess.PIPE, check=True)
    except FileNotFoundError:
        raise CannotStart(
            f"{argv[0]} does not exist: install PostgreSQL's client programs beside its server."
        ) from None
    except subprocess.CalledProcessError as failed:
        raise CannotStart(f"{program} failed: {failed.stderr.decode(errors='replace').strip()}") from None


def _copy_temporal(source: Path, to: Path) -> None:
    """Copy a SQLite database as it is at one moment, also while a server uses it."""
    if not source.exists():
        return
    _private(to).close()
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as db, closing(sqlite3.connect(to)) as copy:
        db.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing left in a log beside it


def _restore_temporal(source: Path, to: Path) -> None:
    for leftover in (to, to.with_name(f"{to.name}-wal"), to.with_name(f"{to.name}-shm")):
        leftover.unlink(missing_ok=True)
    if source.exists():
        _copy_private(source, to)


def _copy_private(source: Path, to: Path) -> None:
    unfinished = to.with_name(f"{to.name}.unfinished")
    with source.open("rb") as given, _private(unfinished) as written:
        shutil.copyfileobj(given, written)
        written.flush()
        os.fsync(written.fileno())
    unfinished.rename(to)


def _private(path: Path) -> IO[bytes]:
    """A new file that only its owner may read, for writing."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
