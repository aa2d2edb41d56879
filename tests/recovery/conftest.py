"""A server that archives its write-ahead log, with the roles of deploy/; collected with TEST_RECOVERY=1 only."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from benchmarks.cluster import temporal_server
from benchmarks.cluster.databases import Databases, prepare_namespace
from benchmarks.cluster.temporal_server import ServerPorts
from sandbox.binaries import find_binaries
from sandbox.errors import CannotStart
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, free_port
from sandbox.postgres import EmbeddedPostgres
from sandbox.programs import Program
from sandbox.settings import StackSettings
from tests.deploy.conftest import ADMINISTRATOR, RoleServer, make_administrator
from tests.journeys.waiting import until

# The gate is at its limit, and these take minutes.
collect_ignore_glob = [] if os.environ.get("TEST_RECOVERY") else ["test_*.py"]

_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_PAGE = (ROOT / "docs" / "deploying.md").read_text().partition("## Backup and restore\n")[2].partition("\n## ")[0]


def block(begins: str) -> str:
    """The block of "Backup and restore" in docs/deploying.md that begins with this text."""
    (found,) = [text for _, text in _BLOCK.findall(_PAGE) if text.startswith(begins)]
    return str(found)


@dataclass(frozen=True)
class ArchivingServer:
    """A server whose commands are those of the page, with `/archive` in a folder of the test."""

    postgres: EmbeddedPostgres
    roles: RoleServer
    folder: Path

    @property
    def archive(self) -> Path:
        """The folder of archived segments."""
        return self.folder / "archive"

    def administrator(self) -> psycopg.Connection:
        """A connection of the superuser."""
        return psycopg.connect(self.roles.url(ADMINISTRATOR, "postgres"), autocommit=True)

    def run(self, commands: str, **words: str) -> None:
        """Run a block of the page in the folder of the test, as the administrator; `words`: what stands for yours."""
        path = f"{find_binaries()}{os.pathsep}{os.environ['PATH']}"
        server = {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.roles.port),
            "PGPASSWORD": self.roles.password,
            "PGUSER": ADMINISTRATOR,
            "OWNER_URL": self.roles.url("market_owner"),
            # The page has the user of the server do it; root would take over the owners of the archive.
            "TAR_OPTIONS": "--no-same-owner",
        }
        done = subprocess.run(
            ["bash", "-e", "-u", "-c", self._filled(commands, words)],
            env={"PATH": path, **server},
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def configure(self, lines: str) -> None:
        """Add lines to postgresql.conf and restart the server."""
        with (self.postgres.cluster / "postgresql.conf").open("a") as file:
            file.write(self._filled(lines, {}))
        self.postgres.stop()
        self.postgres.start()

    def execute(self, statement: str) -> None:
        """Run a statement of the page as the administrator."""
        with self.administrator() as connection:
            connection.execute(statement.replace("…", self.roles.password).encode())

    def now(self) -> str:
        """The time of the server, as the page writes it."""
        with self.administrator() as connection:
            (moment,) = connection.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'").fetchall()[0]
        return f"{moment}+00"

    def wait_until_archived(self) -> None:
        """Have what was written until now archived, without waiting for `archive_timeout`. Raises TimeoutError."""
        with self.administrator() as connection:
            (name,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchall()[0]
        until((self.archive / name).exists)

    def put_in_place(self, restored: Path) -> None:
        """Start the server on another folder; the one that it had is kept."""
        self.postgres.cluster.rename(self.folder / "before")
        restored.rename(self.postgres.cluster)
        self.postgres.start()

    def in_recovery(self) -> bool:
        """Whether the server is in recovery."""
        with self.administrator() as connection:
            return bool(connection.execute("SELECT pg_is_in_recovery()").fetchall()[0][0])

    def end_connections(self) -> None:
        """End the connections of the test to the database."""
        with self.administrator() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'market'")

    def _filled(self, text: str, words: Mapping[str, str]) -> str:
        for word, value in {"/archive": str(self.archive), **words}.items():
            text = text.replace(word, value)
        return text


@dataclass(frozen=True)
class TemporalOnServer:
    """Temporal's real server, whose stores are databases of the same PostgreSQL server."""

    program: Program
    address: str


@pytest.fixture
def temporal(server: ArchivingServer, tmp_path: Path) -> Iterator[TemporalOnServer]:
    """Temporal as deploy/ prepares it; built by Go once, which takes minutes."""
    try:
        built = temporal_server.programs()
    except CannotStart as missing:
        pytest.skip(str(missing))
    ports, namespace = ServerPorts.free(), StackSettings.temporal_namespace
    Databases(server.roles.port, server.roles.password).prepare_temporal(built)
    (program,) = temporal_server.servers(
        built, ports, server.roles.port, server.roles.password, tmp_path / "logs", roles=False
    )
    with program:
        prepare_namespace(ports, namespace)
        yield TemporalOnServer(program, ports.address)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ArchivingServer]:
    """A new server with the roles of deploy/postgres-roles.sh."""
    port, password = free_port(), secrets.token_hex(8)
    (tmp_path / "archive").mkdir()
    with EmbeddedPostgres(tmp_path / "server", port, password) as embedded:
        roles = RoleServer(port, password, tmp_path / "logs" / "postgres.log")
        make_administrator(embedded, roles)
        roles.run_script()
        yield ArchivingServer(embedded, roles, tmp_path)
