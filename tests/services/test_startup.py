"""Start of a process: it exits with one line for each wrong setting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import ROOT
from services.settings import Settings
from tests.services.environment import CANARY, GOOD


def run(module: str, folder: Path, changes: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    given = {**GOOD, "DATA_DIR": str(folder), **changes}
    mine = {name: value for name, value in os.environ.items() if name.upper() not in _names()}
    argv = [sys.executable, "-m", module, *words]
    return subprocess.run(argv, cwd=ROOT, env=mine | given, capture_output=True, text=True, timeout=60, check=False)


def _names() -> set[str]:
    return {name.upper() for name in [*Settings.model_fields, "secrets_key"]}


@pytest.mark.parametrize(("module", "words"), [("api", ()), ("workers", ()), ("workers", ("--with-api",))])
def test_T116_a_process_reports_one_line_per_wrong_setting(tmp_path: Path, module: str, words: tuple[str, ...]) -> None:
    changes = {"SECRETS_KEY": CANARY * 4, "SIGNING_KEY": "", "ARGON2_MEMORY_KIB": "64", "FAULTS": CANARY}
    done = run(module, tmp_path, changes, *words)
    named = [line.split()[1] for line in done.stderr.splitlines()]
    assert (done.returncode, done.stdout) == (2, "")
    assert named == ["SECRETS_KEY", "SIGNING_KEY", "ARGON2_MEMORY_KIB", "FAULTS"]
    assert all(line.startswith(f"{module}: ") for line in done.stderr.splitlines())
    assert CANARY not in done.stderr


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("api", "SIGNING_KEY", f"-----BEGIN PRIVATE KEY-----{CANARY}-----END PRIVATE KEY-----"),
        ("workers", "API_SERVICES", CANARY),
        ("api", "SMTP_URL", f"gopher://{CANARY}:{CANARY}@there"),
        ("workers", "PAYMENT_WEBHOOK_SOURCES", CANARY),
    ],
    ids=["no-key", "no-service", "no-mail-server", "no-network"],
)
def test_T116_a_process_refuses_an_invalid_key_or_url(tmp_path: Path, module: str, name: str, value: str) -> None:
    done = run(module, tmp_path, {name: value})
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"{module}: {name}")
    assert CANARY not in done.stderr


def test_the_command_line_reports_one_line_per_wrong_setting(tmp_path: Path) -> None:
    done = run("services", tmp_path, {"HOLD_SECONDS": "900", "DATABASE_URL": f"mysql://m:{CANARY}@there/m"}, "migrate")
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["HOLD_SECONDS", "DATABASE_URL"]
    assert CANARY not in done.stderr + done.stdout
