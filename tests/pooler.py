"""pgbouncer in transaction mode with the settings of deploy/pgbouncer.ini, in front of a PostgreSQL of this machine."""

from __future__ import annotations

import configparser
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from sandbox.layout import ROOT
from sandbox.parent import NOBODY, Identity
from sandbox.ports import LOOPBACK, free_port
from sandbox.process import Process

# Debian has it there, which only root has in its PATH.
_PATH = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"


@contextmanager
def pgbouncer(server: str, **settings: str) -> Iterator[str]:
    """The URL of a pooler in front of the database at the URL `server`, which may be started later.

    `settings` replace those of deploy/pgbouncer.ini. Skips the test when pgbouncer is not installed.
    """
    program = shutil.which("pgbouncer", path=_PATH)
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    port, address = free_port(), urlsplit(server)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "userlist.txt").write_text(f'"{address.username}" "{unquote(address.password or "")}"\n')
        _write(folder, server, {"listen_port": str(port), **settings})
        # pgbouncer refuses to run as root.
        identity = Identity.NOBODY if os.geteuid() == 0 else Identity.SAME
        if identity is Identity.NOBODY:
            for path in (folder, *folder.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        process = Process("pgbouncer", [program, "--quiet", str(folder / "pgbouncer.ini")], identity=identity)
        process.spawn()
        try:
            process.wait_ready(lambda: _listens(port), 10)
            yield server.replace(f"{address.hostname}:{address.port}", f"{LOOPBACK}:{port}")
        finally:
            process.kill()


def _write(folder: Path, server: str, settings: dict[str, str]) -> None:
    address = urlsplit(server)
    configuration = configparser.ConfigParser(interpolation=None)
    configuration.read_string((ROOT / "deploy" / "pgbouncer.ini").read_text(encoding="utf-8"))
    database = address.path.removeprefix("/")
    configuration["databases"] = {database: f"host={address.hostname} port={address.port} dbname={database}"}
    files = {"auth_file": str(folder / "userlist.txt"), "unix_socket_dir": ""}
    configuration["pgbouncer"].update({"listen_addr": LOOPBACK, **files, **settings})
    with (folder / "pgbouncer.ini").open("w", encoding="utf-8") as file:
        configuration.write(file)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0
