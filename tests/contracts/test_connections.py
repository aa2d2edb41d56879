"""The contract of the connection budget breaks when it should."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.contracts import connections
from tests.contracts.checks import ContractBroken
from tests.contracts.containers import services_of_compose


@pytest.fixture
def services() -> dict[str, Any]:
    """The services of docker-compose.yml, to be changed."""
    return copy.deepcopy(dict(services_of_compose()))


def test_the_budget_of_the_compose_file_is_kept(services: dict[str, Any]) -> None:
    connections.check(services)


def test_a_smaller_server_or_larger_pools_break_it(services: dict[str, Any]) -> None:
    smaller = copy.deepcopy(services)
    smaller["postgres"]["command"] = ["postgres", "-c", "max_connections=200"]
    larger = copy.deepcopy(services)
    larger["worker"]["environment"]["DATABASE_POOL"] = "32"
    more = copy.deepcopy(services)
    more["temporal"]["environment"]["SQL_MAX_CONNS"] = "40"
    for broken, needed in ((smaller, 232), (larger, 296), (more, 312)):
        with pytest.raises(ContractBroken, match=f"may open {needed}"):
            connections.check(broken)


def test_pools_of_temporal_that_are_not_set_break_it(services: dict[str, Any]) -> None:
    del services["temporal"]["environment"]["SQL_VIS_MAX_CONNS"]
    with pytest.raises(ContractBroken, match="SQL_VIS_MAX_CONNS"):
        connections.check(services)
