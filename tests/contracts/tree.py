"""Contracts of file contents: no registry hosts, no paths of one machine, executable scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tests.contracts.checks import ROOT, ContractBroken, run

REGISTRIES = re.compile(r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|yarnpkg[.]com|crates[.]io|proxy[.]golang[.]org")
#: Home and work directories of one machine.
MACHINES = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/[\w.-]+")
#: Generated folders (.gitignore).
GENERATED = {"__pycache__", "node_modules", "dist"}


def no_registry_host() -> None:
    """No file contains the host name of a package registry."""
    _must_not_occur(REGISTRIES, "the host of a package registry")


def no_machine_path() -> None:
    """No file contains a path of one machine."""
    _must_not_occur(MACHINES, "a path of one machine")
    _must_not_occur(re.compile(re.escape(f"{ROOT}{os.sep}")), "the path of this directory")


def scripts_are_executable() -> None:
    """.ci/run and deploy/*.sh are executable and have valid syntax."""
    for script in [ROOT / ".ci" / "run", *sorted((ROOT / "deploy").glob("*.sh"))]:
        name = script.relative_to(ROOT)
        if not os.access(script, os.X_OK):
            raise ContractBroken(f"{name} is not executable: chmod +x {name}.")
        run([_shell_of(script), "-n", script], f"{name} has invalid syntax:")


def _shell_of(script: Path) -> str:
    return "bash" if "bash" in script.read_text().splitlines()[0] else "sh"


def _must_not_occur(pattern: re.Pattern[str], what: str) -> None:
    for path in source_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if found := pattern.search(text):
            line = text.count("\n", 0, found.start()) + 1
            raise ContractBroken(f"{path.relative_to(ROOT)}:{line} contains {what}: {found.group()}")


def source_files(folder: Path = ROOT) -> Iterator[Path]:
    """All files of the project, without hidden folders and generated ones."""
    # without git, which may not be installed
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if path.name == ".ci" or not (path.name.startswith(".") or path.name in GENERATED):
                yield from source_files(path)
        elif path.is_file() and path.name not in (".env", ".git"):  # a worktree has a file .git
            yield path
