"""The Makefile has every documented target, and reports in one sentence what is missing on a machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (
    *(
        "help",
        "install",
        "up",
        "demo",
        "backup",
        "restore",
        "test",
        "test-clients",
        "soak",
        "check",
        "bench",
        "bench-identity",
    ),
    *("bench-growth", "bench-memory", "bench-peers", "cluster", "openapi", "settings", "histories", "pictures"),
    *("pictures-monitoring", "lock", "clean"),
)


def make(*words: str, folder: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run make as in a new terminal, without the variables of an outer make."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    return subprocess.run(["make", *words], cwd=folder, env=inherited | env, capture_output=True, text=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the files that make needs, in a directory where nothing is installed."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


@pytest.fixture
def fake_python(tmp_path: Path) -> Callable[[str], str]:
    """Returns a PATH whose `python3` runs a line of shell first, and then the real interpreter."""

    def on_path(line: str) -> str:
        folder = tmp_path / "bin"
        folder.mkdir()
        script = folder / "python3"
        script.write_text(f'#!/bin/sh\n{line}\nexec {sys.executable} "$@"\n')
        script.chmod(0o755)
        return f"{folder}{os.pathsep}{os.environ['PATH']}"

    return on_path


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_made(target: str) -> None:
    planned = make("--dry-run", target, "DIR=folder")
    assert planned.returncode == 0, planned.stderr


def test_help_lists_every_target_and_is_the_default_target() -> None:
    output = make().stdout
    listed = re.findall(r"^ +make (\S+) +\S", output, re.MULTILINE)
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None
    assert listed == declared.group(1).split() == list(TARGETS)
    assert make("help").stdout == output


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('case "$*" in *ensurepip*) exit 1 ;; esac', "no ensurepip: install the package python3-venv"),
        (
            'case "$*" in -V | --version) echo Python 3.9.2; exit ;; *version_info*) exit 1 ;; esac',
            "Python 3.11 or newer is required, this is Python 3.9.2",
        ),
    ],
    ids=["no-ensurepip", "too-old"],
)
def test_an_unusable_python_is_reported_in_one_sentence(
    line: str, sentence: str, clone: Path, fake_python: Callable[[str], str]
) -> None:
    refused = make("up", folder=clone, PATH=fake_python(line))
    assert refused.returncode == 2
    assert sentence in _only_sentence(refused)
    assert not (clone / ".venv").exists()


def test_a_missing_python_is_reported_in_one_sentence(clone: Path) -> None:
    refused = make("demo", "PYTHON=no-such-python", folder=clone)
    assert refused.returncode == 2
    assert "'no-such-python' not found: install Python 3.11 or newer" in _only_sentence(refused)


def _only_sentence(refused: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (refused.stdout + refused.stderr).splitlines() if not line.startswith("make: ***")]
    assert len(lines) == 1, lines
    return lines[0]
