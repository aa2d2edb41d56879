"""The Makefile has every target that the README names, and reports what a machine lacks."""

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
    "help",
    "install",
    "up",
    "demo",
    "test",
    "test-clients",
    "check",
    "bench",
    "bench-identity",
    "openapi",
    "lock",
    "clean",
)


def make(*words: str, folder: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run make as a person at a terminal would, free of what an outer make hands down."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    return subprocess.run(["make", *words], cwd=folder, env=kept | env, capture_output=True, text=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What make needs of the project, in a folder where nothing was ever installed."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


@pytest.fixture
def python_that(tmp_path: Path) -> Callable[[str], str]:
    """A PATH on which `python3` first asks a line of shell, and is the real one otherwise."""

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
    planned = make("--dry-run", target)
    assert planned.returncode == 0, planned.stderr


def test_help_lists_every_target_and_is_what_plain_make_says() -> None:
    said = make().stdout
    listed = re.findall(r"^ +make (\S+) +\S", said, re.MULTILINE)
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None
    assert listed == declared.group(1).split() == list(TARGETS)
    assert make("help").stdout == said


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
def test_a_python_that_will_not_do_gets_one_sentence(
    line: str, sentence: str, clone: Path, python_that: Callable[[str], str]
) -> None:
    refused = make("up", folder=clone, PATH=python_that(line))
    assert refused.returncode == 2
    assert sentence in _only_sentence(refused)
    assert not (clone / ".venv").exists()


def test_no_python_at_all_gets_one_sentence(clone: Path) -> None:
    refused = make("demo", "PYTHON=no-such-python", folder=clone)
    assert refused.returncode == 2
    assert "'no-such-python' not found: install Python 3.11 or newer" in _only_sentence(refused)


def _only_sentence(refused: subprocess.CompletedProcess[str]) -> str:
    said = [line for line in (refused.stdout + refused.stderr).splitlines() if not line.startswith("make: ***")]
    assert len(said) == 1, said
    return said[0]
