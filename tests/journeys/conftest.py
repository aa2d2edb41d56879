"""Running shops: after the last test of each module, tables, ledger and inbox must agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.settings import StackSettings
from sandbox.stack import Stack
from tests.journeys.shop import CHEAP, Shop

POINTS = [
    ("confirm_order", "before"),
    *(
        (step, point)
        for step in ("reserve", "charge", "confirm", "release", "refund", "finish_cancel", "notify")
        for point in ("before", "after")
    ),
]


@contextmanager
def running(settings: StackSettings) -> Iterator[Shop]:
    """A shop that runs."""
    with Stack(settings) as stack:
        shop = Shop(stack)
        try:
            yield shop
        finally:
            shop.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Workers with the api inside, as `make up` runs them; ends with a clean audit."""
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("shop"))
    with running(replace(settings, env=CHEAP)) as opened:
        yield opened
        assert opened.violations() == []


@pytest.fixture(scope="package")
def shop_in_parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Workers and api as processes of their own; the workers' fault points wait to be armed."""
    folder = tmp_path_factory.mktemp("parts")
    disarm(folder)
    settings = StackSettings.for_tests(folder)
    points = ",".join(f"{step}:{point}:kill" for step, point in POINTS)
    with running(replace(settings, separate=True, env={**CHEAP, "FAULTS": points})) as opened:
        yield opened


@pytest.fixture(scope="module")
def judged_parts(shop_in_parts: Shop) -> Iterator[Shop]:
    """The shop in parts, for the tests of one module; ends with a clean audit."""
    yield shop_in_parts
    assert shop_in_parts.violations() == []


@pytest.fixture
def parts(judged_parts: Shop) -> Iterator[Shop]:
    """The shop in parts; whatever a test left dead is started again."""
    yield judged_parts
    disarm(judged_parts.stack.settings.data_dir)
    for name in ("temporal", "workers", "api"):
        if not judged_parts.stack.component(name).running:
            judged_parts.stack.start(name)


def disarm(folder: Path) -> None:
    """Mark every fault point as one that has been."""
    for step, point in POINTS:
        (folder / f"fault-{step}-{point}").touch()
