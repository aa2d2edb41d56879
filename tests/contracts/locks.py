"""Checks of requirements/*.txt against pyproject.toml, without a network."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.contracts.checks import ROOT, ContractBroken

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def locks_hold_what_is_asked_for() -> None:
    """Every dependency of pyproject.toml is pinned there and stands in its lock with the same version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {"run": project["dependencies"], "dev": project["dependencies"] + project["optional-dependencies"]["dev"]}
    for lock, requirements in asked.items():
        _compare(lock, requirements)


def locks_are_hashed() -> None:
    """Every line of the locks carries its hashes, so that nothing else can be installed."""
    for lock in ("run", "dev"):
        for name, _, rest in _PINNED.findall(_text(lock)):
            if "--hash=sha256:" not in rest:
                raise ContractBroken(f"requirements/{lock}.txt has no hash of {name}: run `make lock`.")


def locks_agree() -> None:
    """What runs is tested: the lock for development holds the one for running, version by version."""
    tested = _versions("dev")
    for name, version in _versions("run").items():
        if tested.get(name) != version:
            raise ContractBroken(f"{name} is {version} to run and {tested.get(name)} to test: run `make lock`.")


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
