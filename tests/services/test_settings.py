"""What a system refuses to start with, said by the setting's name and never by its value."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.layout import ROOT
from services import production_checks
from services.identity.signing_keys import SigningKeys
from services.secrets import KEY_FILE, Vault
from services.settings import Settings
from services.startup import read

CANARY = "canary7f3a"
#: As short as a system that works for real can be set up.
GOOD = {
    "APP_ENV": "production",
    "DATABASE_URL": f"postgresql://market:{CANARY}@127.0.0.1:1/market",
    "SECRETS_KEY": "a9Kx2mQ7vR4tYw8Zp3Ls6Nd1Fg5Hj0Bc",
    "SIGNING_KEY": SigningKeys.generate().pem(),
    "PUBLIC_URL": "https://market.example.com",
    "SMTP_URL": f"smtp://shop:{CANARY}@mail.example.com:587?starttls",
    "SMS_URL": f"https://shop:{CANARY}@sms.example.com/Messages.json",
    "YOOKASSA_SHOP_ID": "54401",
    "YOOKASSA_SECRET_KEY": f"live_{CANARY}",
    "PAYMENT_WEBHOOK_SECRETS": "whsec_bTdLq8Zr3Xv9Kp2Ws6Yt1Nc4Hf7Jg0Da5Me8Ru3pQ1s=",
}
GOOD |= {"PAYMENT_WEBHOOK_SECRETS": "whsec_" + "bTdLq8Zr3Xv9Kp2Ws6Yt1Nc4Hf7Jg0Da5Me8Ru3="}

REFUSED: dict[str, tuple[str, dict[str, str]]] = {
    "no-secrets-key": ("SECRETS_KEY is missing", {"SECRETS_KEY": ""}),
    "short-secrets-key": ("SECRETS_KEY is weak", {"SECRETS_KEY": f"a9Kx2mQ7vR4-{CANARY}"}),
    "one-key-of-two": ("SECRETS_KEY is weak", {"SECRETS_KEY": f"{GOOD['SECRETS_KEY']},{CANARY}"}),
    "one-letter": ("SECRETS_KEY is weak", {"SECRETS_KEY": "x" * 64}),
    "few-letters": ("SECRETS_KEY is weak", {"SECRETS_KEY": "abcdefgaabbccddeeffgggfedcbagfedcabc"}),
    "repeated": ("SECRETS_KEY is weak", {"SECRETS_KEY": f"{CANARY}Q-1_" * 4}),
    "the-old-default": ("SECRETS_KEY is weak", {"SECRETS_KEY": f"development-only-key-change-me-{CANARY}"}),
    "no-signing-key": ("SIGNING_KEY is missing", {"SIGNING_KEY": ""}),
    "T95-no-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS is missing", {"PAYMENT_WEBHOOK_SECRETS": ""}),
    "T95-short-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS is weak", {"PAYMENT_WEBHOOK_SECRETS": "whsec_c2VjcmV0"}),
    "T95-dull-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS is weak", {"PAYMENT_WEBHOOK_SECRETS": f"whsec_{'A' * 64}"}),
    "T95-one-webhook-secret-of-two": (
        "PAYMENT_WEBHOOK_SECRETS is weak",
        {"PAYMENT_WEBHOOK_SECRETS": f"{GOOD['PAYMENT_WEBHOOK_SECRETS']},whsec_c2VjcmV0"},
    ),
    "T95-empty-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS takes", {"PAYMENT_WEBHOOK_SECRETS": "whsec_"}),
    "T95-no-prefix": ("PAYMENT_WEBHOOK_SECRETS takes", {"PAYMENT_WEBHOOK_SECRETS": f"{CANARY}AAAA"}),
    "T95-a-comma-too-many": (
        "PAYMENT_WEBHOOK_SECRETS takes",
        {"PAYMENT_WEBHOOK_SECRETS": f"{GOOD['PAYMENT_WEBHOOK_SECRETS']},"},
    ),
    "no-shop": ("YOOKASSA_SHOP_ID is missing", {"YOOKASSA_SHOP_ID": ""}),
    "no-shop-key": ("YOOKASSA_SECRET_KEY is missing", {"YOOKASSA_SECRET_KEY": ""}),
    "no-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS is missing", {"PAYMENT_WEBHOOK_SECRETS": ""}),
    "odd-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS takes secrets", {"PAYMENT_WEBHOOK_SECRETS": CANARY}),
    "no-mail": ("SMTP_URL is missing", {"SMTP_URL": ""}),
    "no-sms": ("SMS_URL is missing", {"SMS_URL": ""}),
    "open-public-url": ("PUBLIC_URL must be https", {"PUBLIC_URL": f"http://{CANARY}.example.com"}),
    "open-sms": ("SMS_URL must be https", {"SMS_URL": f"http://shop:{CANARY}@sms.example.com/Messages.json"}),
    "open-gateway": ("PAYMENT_GATEWAY_URL must be https", {"PAYMENT_GATEWAY_URL": f"http://{CANARY}.example.com/v3"}),
    "little-memory": ("ARGON2_MEMORY_KIB is below 19456", {"ARGON2_MEMORY_KIB": "19455", "ARGON2_TIME_COST": "9"}),
    "one-pass": ("ARGON2_TIME_COST is below 2", {"ARGON2_MEMORY_KIB": "2097152", "ARGON2_TIME_COST": "1"}),
    "faults": ("FAULTS is for development only", {"FAULTS": "charge:before:kill"}),
    "open-temporal": ("TEMPORAL_ADDRESS is beyond the loopback", {"TEMPORAL_ADDRESS": f"{CANARY}.example.com:7233"}),
    "no-plaintext": ("TEMPORAL_PLAINTEXT: Input should be", {"TEMPORAL_PLAINTEXT": CANARY}),
    "no-number": ("ARGON2_MEMORY_KIB: Input should be a valid integer", {"ARGON2_MEMORY_KIB": CANARY}),
    "odd-database": ("DATABASE_URL is no address", {"DATABASE_URL": f"postgresql://market:{CANARY}/x@there/market"}),
    "other-database": ("DATABASE_URL must begin with postgresql://", {"DATABASE_URL": f"mysql://m:{CANARY}@there/m"}),
    "no-service": ("API_SERVICES takes identity, ", {"API_SERVICES": f"catalog,{CANARY}"}),
    "short-hold": ("HOLD_SECONDS must be longer than PAYMENT_WINDOW", {"HOLD_SECONDS": "900"}),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing set but what is good."""
    for name in [*Settings.model_fields, "secrets_key"]:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def run(module: str, folder: Path, changes: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    given = {**GOOD, "DATA_DIR": str(folder), **changes}
    mine = {name: value for name, value in os.environ.items() if name.upper() not in _names()}
    argv = [sys.executable, "-m", module, *words]
    return subprocess.run(argv, cwd=ROOT, env=mine | given, capture_output=True, text=True, timeout=60, check=False)


def _names() -> set[str]:
    return {name.upper() for name in [*Settings.model_fields, "secrets_key"]}


def test_a_good_set_of_settings(environment: pytest.MonkeyPatch) -> None:
    settings = read()
    assert (settings.development, settings.docs_on, settings.secrets_key) == (False, False, GOOD["SECRETS_KEY"])
    assert production_checks.warnings(settings) == []


@pytest.mark.parametrize("case", REFUSED)
def test_T116_production_refuses(environment: pytest.MonkeyPatch, case: str) -> None:
    says, changes = REFUSED[case]
    for name, value in changes.items():
        environment.setenv(name, value)
    with pytest.raises(ValueError, match="^" + says) as refused:
        read()
    assert CANARY not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"SECRETS_KEY": f"{GOOD['SECRETS_KEY']}, {secrets.token_hex(16)}"},
        {"SMTP_URL": "none", "SMS_URL": "none"},
        {"PUBLIC_URL": "http://127.0.0.1:8000"},
        {"PUBLIC_URL": "http://[::1]:8000"},
        {"ARGON2_MEMORY_KIB": "19456", "ARGON2_TIME_COST": "2", "ARGON2_PARALLELISM": "1"},
        {"TEMPORAL_ADDRESS": "there:7233", "TEMPORAL_TLS": "true"},
        {"TEMPORAL_ADDRESS": "there:7233", "TEMPORAL_API_KEY": CANARY},
        {"TEMPORAL_ADDRESS": "there:7233", "TEMPORAL_PLAINTEXT": "private-network"},
        {"TEMPORAL_ADDRESS": "localhost:7233"},
        {"API_DOCS": "true"},
    ],
    ids=["two-keys", "none", "loopback", "loopback-6", "floor", "tls", "api-key", "private", "localhost", "docs"],
)
def test_production_starts_with(environment: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    for name, value in changes.items():
        environment.setenv(name, value)
    settings = read()
    assert not settings.development
    assert settings.docs_on is ("API_DOCS" in changes)
    assert (settings.smtp_url == "") is ("SMTP_URL" in changes)


def test_production_when_there_is_a_database_and_nothing_else_is_said(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("APP_ENV")
    environment.delenv("SECRETS_KEY")
    with pytest.raises(ValueError, match=r"^SECRETS_KEY is missing"):
        read()
    environment.setenv("APP_ENV", "development")
    assert read().development


@pytest.mark.parametrize("password", ["", ":", ":postgres"])
def test_a_database_without_a_good_password_is_warned_of(environment: pytest.MonkeyPatch, password: str) -> None:
    environment.setenv("DATABASE_URL", f"postgresql://market{password}@there/market")
    assert production_checks.warnings(read()) == ["DATABASE_URL has no password, or one that everybody knows"]


def test_no_representation_holds_a_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TEMPORAL_API_KEY", CANARY)
    environment.setenv("PAYMENT_WEBHOOK_SECRETS", f"whsec_{CANARY}3Xv9Kp2Ws6Yt1Nc4Hf7Jg0Da5Me8Ru3Bd5")
    shown = repr(read())
    assert [secret for secret in (CANARY, GOOD["SECRETS_KEY"], "PRIVATE KEY") if secret in shown] == []


@pytest.mark.parametrize(("module", "words"), [("api", ()), ("workers", ()), ("workers", ("--with-api",))])
def test_T116_a_process_refuses_in_a_line_a_setting(tmp_path: Path, module: str, words: tuple[str, ...]) -> None:
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
def test_T116_a_process_refuses_what_is_no_key_and_no_address(
    tmp_path: Path, module: str, name: str, value: str
) -> None:
    done = run(module, tmp_path, {name: value})
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"{module}: {name}")
    assert CANARY not in done.stderr


def test_the_same_in_the_administrators_command(tmp_path: Path) -> None:
    done = run("services", tmp_path, {"HOLD_SECONDS": "900", "DATABASE_URL": f"mysql://m:{CANARY}@there/m"}, "migrate")
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["HOLD_SECONDS", "DATABASE_URL"]
    assert CANARY not in done.stderr + done.stdout


def test_development_makes_one_secrets_key_and_keeps_it_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    settings = Settings(app_env="development", data_dir=folder)
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: settings.secrets_key, range(16)))
    (key,) = made
    assert len(key) >= 32
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert Settings(app_env="development", data_dir=folder).secrets_key == key
    assert Settings(app_env="development", data_dir=tmp_path / "other").secrets_key != key


def test_a_given_key_wins_and_writes_nothing(tmp_path: Path) -> None:
    settings = Settings(app_env="development", data_dir=tmp_path, secrets_key="given")
    assert settings.secrets_key == "given"
    assert list(tmp_path.iterdir()) == []


def test_keys_are_rotated_by_putting_a_new_one_in_front() -> None:
    old, new = Vault("old"), Vault("new, old")
    sealed = old.seal({"card": "tok_1"})
    assert new.open(sealed) == {"card": "tok_1"}
    assert Vault("new").open(new.seal({"card": "tok_2"})) == {"card": "tok_2"}
    for retired in (Vault("new"), Vault("other")):
        with pytest.raises(ValueError, match="was a key retired too early"):
            retired.open(sealed)
