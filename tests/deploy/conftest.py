"""A PostgreSQL server with the roles that deploy/postgres-roles.sh creates, migrated by the owner of the tables."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from sandbox.binaries import find_binaries
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, free_port
from sandbox.postgres import EmbeddedPostgres
from services import migrate

ADMINISTRATOR = "postgres"


@dataclass(frozen=True)
class RoleServer:
    """A server whose database `market` belongs to `market_owner`."""

    port: int
    password: str
    #: the server's own log
    log: Path

    def url(self, role: str, database: str = "market") -> str:
        """The URL of a database for a role."""
        return f"postgresql://{role}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def run_script(self) -> None:
        """Run deploy/postgres-roles.sh as the official image does."""
        names = ("MARKET_OWNER_DB_PASSWORD", "MARKET_DB_PASSWORD", "TEMPORAL_DB_PASSWORD")
        env = dict.fromkeys(names, self.password) | {"POSTGRES_USER": ADMINISTRATOR}
        self._run(["sh", str(ROOT / "deploy" / "postgres-roles.sh")], env)

    def run_sql(self, statements: str) -> None:
        """Run statements with psql, as the administrator; the first error ends them."""
        psql = ["psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--username", ADMINISTRATOR]
        self._run([*psql, "--dbname", "postgres"], {}, statements)

    def _run(self, command: list[str], env: dict[str, str], given: str = "") -> None:
        path = f"{find_binaries()}{os.pathsep}{os.environ['PATH']}"
        server = {"PGHOST": LOOPBACK, "PGPORT": str(self.port), "PGPASSWORD": self.password}
        env = {"PATH": path, **server, **env}
        done = subprocess.run(command, env=env, input=given, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@contextmanager
def bare_server(folder: Path) -> Iterator[RoleServer]:
    """A server with an administrator, and without the embedded server's role and database `market`."""
    password, port = secrets.token_hex(8), free_port()
    with EmbeddedPostgres(folder, port, password, durable=False) as embedded:
        server = RoleServer(port, password, folder / "logs" / "postgres.log")
        make_administrator(embedded, server)
        yield server


def make_administrator(embedded: EmbeddedPostgres, server: RoleServer) -> None:
    """Make a new embedded server one with an administrator, without its own role and database `market`."""
    with psycopg.connect(embedded.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ADMINISTRATOR} SUPERUSER LOGIN PASSWORD '{server.password}'")
    with psycopg.connect(server.url(ADMINISTRATOR, "postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE market")
        connection.execute("ALTER ROLE market RENAME TO embedded")


@pytest.fixture(scope="session")
def role_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoleServer]:
    """A server with the roles, migrated by the owner of the tables."""
    with bare_server(tmp_path_factory.mktemp("roles") / "data") as server:
        server.run_script()
        migrate.to_head(server.url("market_owner"))
        yield server
