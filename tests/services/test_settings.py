"""Settings: the mode of the system, secrets in representations, and the keys of development."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.secrets import KEY_FILE
from services.settings import Settings
from services.startup import read
from tests.services.environment import CANARY, GOOD


def test_a_database_url_alone_means_production(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("APP_ENV")
    environment.delenv("SECRETS_KEY")
    with pytest.raises(ValueError, match=r"^SECRETS_KEY is missing"):
        read()
    environment.setenv("APP_ENV", "development")
    assert read().development


@pytest.mark.parametrize(("app_env", "on"), [("development", True), ("production", False)])
def test_the_workflow_sandbox_is_on_in_development_only(
    environment: pytest.MonkeyPatch, app_env: str, on: bool
) -> None:
    environment.setenv("APP_ENV", app_env)
    assert read().workflow_sandbox_on is on
    environment.setenv("WORKFLOW_SANDBOX", "off" if on else "on")
    assert read().workflow_sandbox_on is not on


def test_a_worker_needs_threads_beside_the_relay_and_the_dispatcher(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WORKER_THREADS", "3")
    with pytest.raises(ValueError, match=r"^WORKER_THREADS"):
        read()


def test_a_representation_contains_no_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TEMPORAL_API_KEY", CANARY)
    environment.setenv("PAYMENT_WEBHOOK_SECRETS", f"whsec_{CANARY}3Xv9Kp2Ws6Yt1Nc4Hf7Jg0Da5Me8Ru3Bd5")
    shown = repr(read())
    assert [secret for secret in (CANARY, GOOD["SECRETS_KEY"], "PRIVATE KEY") if secret in shown] == []


def test_development_creates_one_private_secrets_key_file(tmp_path: Path) -> None:
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


def test_a_given_key_is_used_and_no_file_is_written(tmp_path: Path) -> None:
    settings = Settings(app_env="development", data_dir=tmp_path, secrets_key="given")
    assert settings.secrets_key == "given"
    assert list(tmp_path.iterdir()) == []
