"""All services on an empty database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.bootstrap import Services, open_services
from services.db import Database
from services.settings import Settings


@pytest.fixture
def services(database: Database, database_url: str, tmp_path: Path) -> Iterator[Services]:
    settings = Settings(app_env="development", database_url=database_url, data_dir=tmp_path)
    with open_services(settings, database=database) as opened:
        yield opened
