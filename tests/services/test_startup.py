"""Start of a process: it exits with one line for each wrong setting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import ROOT
from services.bootstrap import open_services
from services.parts import Part
from services.settings import Settings
from services.startup import read
from tests.services.environment import CANARY, GOOD

#: The settings without a default, in the order in which they are reported.
SECRETS = (
    *("SECRETS_KEY", "SIGNING_KEY", "YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY", "PAYMENT_WEBHOOK_SECRETS"),
    *("SMTP_URL", "SMS_URL"),
)
UNNEEDED = {Part.API: ["SMTP_URL", "SMS_URL"], Part.WORKERS: ["SIGNING_KEY", "PAYMENT_WEBHOOK_SECRETS"]}


def run(module: str, folder: Path, changes: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    given = {**GOOD, "DATA_DIR": str(folder), **changes}
    mine = {name: value for name, value in os.environ.items() if name.upper() not in _names()}
    argv = [sys.executable, "-m", module, *words]
    return subprocess.run(argv, cwd=ROOT, env=mine | given, capture_output=True, text=True, timeout=60, check=False)


def _names() -> set[str]:
    return {name.upper() for name in [*Settings.model_fields, "secrets_key"]}


@pytest.mark.parametrize(("module", "words"), [("api", ()), ("workers", ()), ("workers", ("--with-api",))])
def test_T116_a_process_reports_one_line_per_wrong_setting(tmp_path: Path, module: str, words: tuple[str, ...]) -> None:
    changes = {"SECRETS_KEY": CANARY * 4, "YOOKASSA_SHOP_ID": "", "ARGON2_MEMORY_KIB": "64", "FAULTS": CANARY}
    done = run(module, tmp_path, changes, *words)
    named = [line.split()[1] for line in done.stderr.splitlines()]
    assert (done.returncode, done.stdout) == (2, "")
    assert named == ["YOOKASSA_SHOP_ID", "SECRETS_KEY", "ARGON2_MEMORY_KIB", "FAULTS"]
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


def test_T162_a_process_starts_without_the_secrets_of_other_parts(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("DATA_DIR", str(tmp_path))
    for part, others in UNNEEDED.items():
        with environment.context() as less:
            for name in others:
                less.delenv(name)
            with open_services(read(parts={part}), parts={part}):
                assert list(tmp_path.iterdir()) == []
            with pytest.raises(ValueError, match="is missing") as missing:
                read()
            assert [line.split()[0] for line in str(missing.value).splitlines()] == others


@pytest.mark.parametrize("part", UNNEEDED)
def test_T162_a_process_needs_every_secret_of_its_own_part(environment: pytest.MonkeyPatch, part: Part) -> None:
    for name in SECRETS:
        environment.delenv(name)
    with pytest.raises(ValueError, match="is missing") as missing:
        read(parts={part})
    named = [line.split()[0] for line in str(missing.value).splitlines()]
    assert named == [name for name in SECRETS if name not in UNNEEDED[part]]


def test_T162_a_worker_has_no_key_that_the_api_trusts(environment: pytest.MonkeyPatch) -> None:
    with open_services(read(), parts={Part.WORKERS}) as worker, open_services(read(), parts={Part.API}) as api:
        assert worker.tokens.public_keys().keys().isdisjoint(api.tokens.public_keys())


def test_T162_migrations_need_the_database_only(tmp_path: Path) -> None:
    unset = dict.fromkeys(SECRETS, "")
    done = run(
        "services", tmp_path, {**unset, "DATABASE_URL": "postgresql://market_owner@127.0.0.1:1/market"}, "migrate"
    )
    assert (done.returncode, done.stderr.count("\n"), list(tmp_path.iterdir())) == (1, 1, [])
    assert "The database cannot be reached" in done.stderr


def test_the_command_line_reports_one_line_per_wrong_setting(tmp_path: Path) -> None:
    done = run("services", tmp_path, {"HOLD_SECONDS": "900", "DATABASE_URL": f"mysql://m:{CANARY}@there/m"}, "migrate")
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["HOLD_SECONDS", "DATABASE_URL"]
    assert CANARY not in done.stderr + done.stdout
