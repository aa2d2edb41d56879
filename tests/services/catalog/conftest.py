"""Fixtures: a catalog on the database of the tests, and files to import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.catalog.service import CatalogService
from services.db import Database
from services.reservations.service import ReservationService

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def catalog(database: Database) -> CatalogService:
    return CatalogService(database)


@pytest.fixture
def reservations(database: Database) -> ReservationService:
    return ReservationService(database)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file with this name and content."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written
