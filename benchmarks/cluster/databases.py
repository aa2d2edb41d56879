"""One PostgreSQL server with the databases and roles that deploy/ makes, for the market and for Temporal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.cluster.temporal_server import ServerPorts
from sandbox.binaries import find_binaries
from sandbox.errors import CannotStart
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK

#: The superuser, as in docker-compose.yml.
ADMINISTRATOR = "postgres"
#: The role and the database that the embedded server creates and deploy/postgres-roles.sh makes anew.
_EMBEDDED = "market"
_DATABASES = ("market", "temporal", "temporal_visibility")


@dataclass(frozen=True)
class Databases:
    """A running embedded server; all roles have its password."""

    port: int
    password: str

    def url(self, role: str, database: str = "market") -> str:
        """The URL of a database for a role."""
        return f"postgresql://{role}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def administrator(self) -> psycopg.Connection:
        """A connection of the superuser."""
        return psycopg.connect(self.url(ADMINISTRATOR, "postgres"), autocommit=True)

    def create(self) -> None:
        """Run deploy/postgres-roles.sh on a new server, as the official image does."""
        with psycopg.connect(self.url(_EMBEDDED, "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {ADMINISTRATOR} SUPERUSER LOGIN PASSWORD '{self.password}'")
        with self.administrator() as connection:
            connection.execute(f"DROP DATABASE {_EMBEDDED}")
            connection.execute(f"ALTER ROLE {_EMBEDDED} RENAME TO embedded")
        names = ("MARKET_OWNER_DB_PASSWORD", "MARKET_DB_PASSWORD", "TEMPORAL_DB_PASSWORD")
        server = {"PGHOST": LOOPBACK, "PGPORT": str(self.port), "PGPASSWORD": self.password}
        run_script(
            "postgres-roles.sh",
            {**dict.fromkeys(names, self.password), **server, "POSTGRES_USER": ADMINISTRATOR},
            find_binaries(),
        )

    def prepare_temporal(self, built: Path) -> None:
        """Run deploy/temporal-schema.sh, with the tool that was built."""
        server = {
            "SQL_HOST": LOOPBACK,
            "SQL_PORT": str(self.port),
            "SQL_USER": "temporal",
            "SQL_PASSWORD": self.password,
        }
        run_script("temporal-schema.sh", server, built)


def prepare_namespace(ports: ServerPorts, namespace: str) -> None:
    """Run deploy/temporal-namespace.sh, with the `temporal` command of the environment."""
    env = {"TEMPORAL_ADDRESS": ports.address, "TEMPORAL_NAMESPACE": namespace}
    run_script("temporal-namespace.sh", env, Path(sys.executable).parent)


def run_script(name: str, env: Mapping[str, str], programs: Path) -> None:
    """Run a script of deploy/ as it is, with further programs in its PATH. Raises CannotStart with what it printed."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    given = {"PATH": path, "HOME": os.environ.get("HOME", "/"), **env}
    done = subprocess.run(["sh", str(ROOT / "deploy" / name)], env=given, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotStart(f"deploy/{name} failed:\n{(done.stdout + done.stderr)[-4000:]}")
