"""A versioned worker begins no order by itself: Temporal decides which build gets it."""

from __future__ import annotations

import pytest

from services.settings import Settings
from workers.__main__ import starts_eagerly


@pytest.mark.parametrize(("build_id", "eager"), [(None, True), ("4f2a", False)], ids=["unversioned", "versioned"])
def test_only_an_unversioned_worker_starts_orders_of_its_own_api(build_id: str | None, eager: bool) -> None:
    assert starts_eagerly(Settings(app_env="development", worker_build_id=build_id)) is eager
