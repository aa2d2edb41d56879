"""Running shops; after the last test of each module an audit compares the tables, the ledger and the inbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.settings import StackSettings
from sandbox.stack import Stack
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from workers.faults import ACTIVITIES, METHODS

POINTS = [
    (step, point)
    for step in (*ACTIVITIES, *(name for methods in METHODS.values() for name in methods.values()))
    for point in ("before", "after")
]


@contextmanager
def running(settings: StackSettings) -> Iterator[Shop]:
    """A running shop."""
    with Stack(settings) as stack:
        shop = Shop(stack)
        try:
            yield shop
        finally:
            shop.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Workers that also serve the API, as `make up` runs them; the final audit must find nothing."""
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("shop"))
    with running(replace(settings, env=CHEAP_PASSWORDS)) as opened:
        yield opened
        assert opened.violations() == []


@pytest.fixture(scope="package")
def shop_in_parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Workers and API as separate processes; no fault point of the workers is armed."""
    folder = tmp_path_factory.mktemp("parts")
    disarm(folder)
    settings = StackSettings.for_tests(folder)
    points = ",".join(f"{step}:{point}:kill" for step, point in POINTS)
    with running(replace(settings, separate=True, env={**CHEAP_PASSWORDS, "FAULTS": points})) as opened:
        yield opened


@pytest.fixture(scope="module")
def audited_parts(shop_in_parts: Shop) -> Iterator[Shop]:
    """The shop in separate processes, for the tests of one module; the final audit must find nothing."""
    yield shop_in_parts
    assert shop_in_parts.violations() == []


@pytest.fixture
def parts(audited_parts: Shop) -> Iterator[Shop]:
    """The shop in separate processes; after the test, every process that does not run is started again."""
    yield audited_parts
    disarm(audited_parts.stack.settings.data_dir)
    for name in ("temporal", "workers", "api"):
        if not audited_parts.stack.component(name).running:
            audited_parts.stack.start(name)


def disarm(folder: Path) -> None:
    """Mark every fault point as fired."""
    for step, point in POINTS:
        (folder / f"fault-{step}-{point}").touch()
