"""Temporal's real server and its schema tool, built from pinned Go modules and kept, and its roles as processes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import CannotStart
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, accepts, free_ports
from sandbox.programs import Program

#: The module that pins the server: go.mod and go.sum.
MODULE = Path(__file__).resolve().parent / "server"
#: Where built programs are kept (.gitignore).
KEPT = ROOT / ".temporal-server"
#: The packages of the programs, by the names that deploy/ calls them by.
PROGRAMS = {
    "temporal-server": "go.temporal.io/server/cmd/server",
    "temporal-sql-tool": "go.temporal.io/server/cmd/tools/sql",
}
ROLES = ("frontend", "history", "matching", "worker")
#: Where Go is installed by its own archive.
_PATH = os.environ.get("PATH", "") + os.pathsep + "/usr/local/go/bin"


def programs(kept: Path = KEPT) -> Path:
    """The folder with the programs; builds them when there are none of this go.sum, which takes minutes.

    Raises:
        CannotStart: Go is missing, or the build failed.
    """
    pinned = hashlib.sha256((MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()).hexdigest()
    folder = kept / pinned[:16]
    missing = {name: package for name, package in PROGRAMS.items() if not (folder / name).exists()}
    if missing:
        go = shutil.which("go", path=_PATH)
        if go is None:
            raise CannotStart(
                "Go is not installed: the server of Temporal is built from its modules (go.mod says which)."
            )
        print(f"Building {' and '.join(missing)} in {folder}: some minutes, once.", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        for name, package in missing.items():
            _build(go, package, folder / name)
    return folder


def _build(go: str, package: str, program: Path) -> None:
    unfinished = program.with_suffix(".unfinished")
    options = ["-trimpath", "-tags", "disable_grpc_modules", "-ldflags", "-s -w", "-o", str(unfinished)]
    env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
    built = subprocess.run([go, "build", *options, package], cwd=MODULE, env=env, capture_output=True, text=True)
    if built.returncode != 0:
        raise CannotStart(f"{package} could not be built: {built.stderr[-2000:]}")
    unfinished.rename(program)


@dataclass(frozen=True)
class ServerPorts:
    """Ports of the server's roles on the loopback address: for gRPC, for membership, and the frontend's for HTTP."""

    rpc: dict[str, int]
    membership: dict[str, int]
    http: int

    @classmethod
    def free(cls) -> ServerPorts:
        """Unused ports."""
        ports = free_ports(2 * len(ROLES) + 1)
        rpc, membership = ports[: len(ROLES)], ports[len(ROLES) : -1]
        return cls(dict(zip(ROLES, rpc, strict=True)), dict(zip(ROLES, membership, strict=True)), ports[-1])

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{LOOPBACK}:{self.rpc['frontend']}"

    def environment(self) -> dict[str, str]:
        """The variables that the configuration inside the server reads."""
        found = {f"{role.upper()}_GRPC_PORT": str(port) for role, port in self.rpc.items()}
        found |= {f"{role.upper()}_MEMBERSHIP_PORT": str(port) for role, port in self.membership.items()}
        return {**found, "FRONTEND_HTTP_PORT": str(self.http)}


def servers(
    built: Path, ports: ServerPorts, database: int, password: str, logs: Path, *, roles: bool
) -> Sequence[Program]:
    """The server as in docker-compose.yml, not started: one process, or one for each role.

    Args:
        built: the folder of `programs`.
        ports: of the roles.
        database: port of the PostgreSQL server on the loopback address.
        password: of the database role `temporal`.
        logs: folder of the log files.
        roles: whether each role is a process of its own.
    """
    env = {
        "DB": "postgres12",
        "DB_PORT": str(database),
        "POSTGRES_SEEDS": LOOPBACK,
        "POSTGRES_USER": "temporal",
        "POSTGRES_PWD": password,
        "NUM_HISTORY_SHARDS": "4",
        "BIND_ON_IP": LOOPBACK,
        "LOG_LEVEL": "warn",
        "DYNAMIC_CONFIG_FILE_PATH": str(ROOT / "deploy" / "temporal-dynamic.yaml"),
        **ports.environment(),
    }
    argv = [str(built / "temporal-server"), "--allow-no-auth", "start"]

    def server(name: str, *served: str) -> Program:
        listening = [ports.rpc[role] for role in served]
        return Program(
            name,
            argv,
            env={**env, "TEMPORAL_SERVICES": ",".join(served)},
            log=logs / f"{name}.log",
            ready=lambda: all(map(accepts, listening)),
            stop_timeout=10.0,
        )

    return [server(f"temporal-{role}", role) for role in ROLES] if roles else [server("temporal", *ROLES)]
