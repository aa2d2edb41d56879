"""A run names its commit, and whether files differ from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.provenance import commit, machine


def git(folder: Path, *arguments: str) -> str:
    author = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = subprocess.run(["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_commit_is_marked_when_tracked_files_were_changed(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    tracked = tmp_path / "tracked"
    tracked.write_text("one")
    git(tmp_path, "add", "tracked")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "bench.json").write_text("{}")
    assert commit(tmp_path) == head
    tracked.write_text("two")
    assert commit(tmp_path) == f"{head}+changes"


def test_a_folder_without_git_has_no_commit(tmp_path: Path) -> None:
    assert commit(tmp_path) is None


def test_machine_has_processor_cores_and_kernel() -> None:
    found = machine()
    assert set(found) == {"processor", "cores", "kernel"}
    assert int(found["cores"]) >= 1
