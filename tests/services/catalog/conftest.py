"""A catalog on the tests' database, and files to import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.catalog.service import CatalogService
from services.clock import Clock
from services.db import Sessions
from services.reservations.service import ReservationService

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def catalog(sessions: Sessions) -> CatalogService:
    return CatalogService(sessions, Clock())


@pytest.fixture
def reservations(sessions: Sessions) -> ReservationService:
    return ReservationService(sessions, Clock())


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of this name with these contents."""

    def written(name: str, contents: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
        return path

    return written
