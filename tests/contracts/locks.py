"""Contracts of the lock files requirements/*.txt; need no network."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.contracts.checks import ROOT, ContractBroken

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def locks_match_pyproject() -> None:
    """Every dependency of pyproject.toml is pinned and has the same version in the lock files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requested = {
        "run": project["dependencies"],
        "dev": project["dependencies"] + project["optional-dependencies"]["dev"],
    }
    for lock, requirements in requested.items():
        _compare(lock, requirements)


def locks_are_hashed() -> None:
    """Every requirement of the lock files has hashes."""
    for lock in ("run", "dev"):
        for name, _, rest in _PINNED.findall(_text(lock)):
            if "--hash=sha256:" not in rest:
                raise ContractBroken(f"requirements/{lock}.txt has no hash of {name}: run `make lock`.")


def locks_agree() -> None:
    """The lock file for development has the same versions as the lock file for running."""
    tested = _versions("dev")
    for name, version in _versions("run").items():
        if tested.get(name) != version:
            raise ContractBroken(f"{name} is {version} in run.txt and {tested.get(name)} in dev.txt: run `make lock`.")


def _compare(lock: str, requirements: Sequence[str]) -> None:
    locked = _versions(lock)
    for requirement in map(Requirement, requirements):
        exact = str(requirement.specifier).removeprefix("==")
        if locked.get(canonicalize_name(requirement.name)) != exact:
            raise ContractBroken(
                f"pyproject.toml asks for {requirement}, requirements/{lock}.txt differs: run `make lock`."
            )


def _versions(lock: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version, _ in _PINNED.findall(_text(lock))}


def _text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text()
