"""Secrets of a data directory."""

import stat
from pathlib import Path

import pytest

from sandbox.addresses import Secrets
from sandbox.datadir import DataDir
from sandbox.errors import CannotStart


def test_secrets_are_created_once_and_stored(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    made = Secrets.of(folder)
    assert Secrets.of(folder) == made
    assert len({made.database_password, made.secrets_key, made.yookassa_secret_key, made.webhook_secret}) == 4
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    (tmp_path / "secrets.json").write_text("[")
    with pytest.raises(CannotStart, match=r"secrets\.json is not a JSON object: repair it, or move .* away\."):
        Secrets.of(folder)
