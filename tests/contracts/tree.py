"""Checks of the files as they are kept: nothing of one machine or one registry, and scripts that run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tests.contracts.checks import ROOT, ContractBroken, run

REGISTRIES = re.compile(r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|yarnpkg[.]com|crates[.]io|proxy[.]golang[.]org")
#: Folders of people and machines; `/home/…` of an image is nobody's.
MACHINES = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/[\w.-]+")
#: Made here and kept by nobody (.gitignore).
UNKEPT = {"__pycache__", "node_modules", "dist"}


def no_registry_is_named() -> None:
    """No file names the host of a package registry: whoever installs says where from."""
    _nowhere(REGISTRIES, "the host of a package registry")


def no_machine_is_named() -> None:
    """No file names a folder of the machine that it was written on."""
    _nowhere(MACHINES, "a folder of one machine")
    _nowhere(re.compile(re.escape(f"{ROOT}{os.sep}")), "this very folder")


def scripts_run() -> None:
    """.ci/run and deploy/*.sh can be executed, and their shells can read them."""
    for script in [ROOT / ".ci" / "run", *sorted((ROOT / "deploy").glob("*.sh"))]:
        name = script.relative_to(ROOT)
        if not os.access(script, os.X_OK):
            raise ContractBroken(f"{name} cannot be executed: chmod +x {name}.")
        run([_shell_of(script), "-n", script], f"{name} is no shell script:")


def _shell_of(script: Path) -> str:
    return "bash" if "bash" in script.read_text().splitlines()[0] else "sh"


def _nowhere(pattern: re.Pattern[str], what: str) -> None:
    for path in _kept(ROOT):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if found := pattern.search(text):
            line = text.count("\n", 0, found.start()) + 1
            raise ContractBroken(f"{path.relative_to(ROOT)}:{line} names {what}: {found.group()}")


def _kept(folder: Path) -> Iterator[Path]:
    # not by git, which a machine that only runs this need not have
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if path.name == ".ci" or not (path.name.startswith(".") or path.name in UNKEPT):
                yield from _kept(path)
        elif path.is_file() and path.name != ".env":
            yield path
