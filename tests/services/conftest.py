"""Fixtures of the tests of settings."""

from __future__ import annotations

import pytest

from services.settings import all_settings
from tests.services.environment import GOOD


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with the settings `GOOD` and no others."""
    for each in all_settings():
        monkeypatch.delenv(each.name, raising=False)
        monkeypatch.delenv(f"{each.name}_FILE", raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
