"""Fixtures: commands that run against the database of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.__main__ import app
from services.db import Database
from tests.services.catalog.conftest import catalog, reservations, write

__all__ = ["catalog", "reservations", "write"]  # the fixtures of the catalog

HEADER = "sku,name,price,currency,stock"
PRODUCTS = f"{HEADER}\nLAMP,Lamp,1299.00,RUB,7\nMUG,Mug,5.00,RUB,0\n"


class Commands:
    """Runs commands with a data directory and a database."""

    def __init__(self, data_dir: Path, database_url: str | None) -> None:
        self.env = {"DATA_DIR": str(data_dir), "DATABASE_URL": database_url or "", "SIGNING_KEY": "", "APP_ENV": ""}

    def __call__(self, *words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], env=self.env)


@pytest.fixture
def command(database: Database, tmp_path: Path, database_url: str) -> Commands:
    return Commands(tmp_path / "data", database_url)
