"""Fixtures of the tests of settings."""

from __future__ import annotations

import pytest

from services.settings import Settings
from tests.services.environment import GOOD


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with the settings `GOOD` and no others."""
    for name in [*Settings.model_fields, "secrets_key"]:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
