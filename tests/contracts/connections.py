"""Contract of the connections to PostgreSQL: what may be opened together fits into `max_connections`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from services.settings import Settings
from tests.contracts.checks import ContractBroken
from tests.contracts.containers import services_of_compose

#: Processes that docs/deploying.md promises, and one more of each during a deployment.
PROCESSES = {"api": 2 + 1, "worker": 3 + 1}
#: Of each process of ours, besides its pool.
LISTENER = 1
#: Temporal's frontend, history, matching and worker each open both pools.
TEMPORAL_SERVICES = 4
TEMPORAL_POOLS = ("SQL_MAX_CONNS", "SQL_VIS_MAX_CONNS")
#: Commands, migrations, backups; and PostgreSQL's superuser_reserved_connections.
RESERVE = 10 + 3


def compose_keeps_the_connection_budget() -> None:
    """PostgreSQL of docker-compose.yml takes all connections of two APIs, three workers, Temporal and a reserve."""
    check(services_of_compose())


def check(services: Mapping[str, Any]) -> None:
    """The same of given services. Raises ContractBroken."""
    needed = RESERVE
    for name, count in PROCESSES.items():
        pool = services[name]["environment"].get("DATABASE_POOL") or Settings.model_fields["database_pool"].default
        needed += count * (int(pool) + LISTENER)
    temporal = services["temporal"]["environment"]
    for pool in TEMPORAL_POOLS:
        if pool not in temporal:
            raise ContractBroken(f"docker-compose.yml does not set {pool} of temporal, whose default may change.")
        needed += TEMPORAL_SERVICES * int(temporal[pool])
    command = " ".join(services["postgres"]["command"])
    found = re.search(r"max_connections=(\d+)", command)
    allowed = int(found.group(1)) if found else 100
    if needed > allowed:
        raise ContractBroken(
            f"docker-compose.yml allows {allowed} connections (max_connections), and its processes may open {needed}:"
            ' see "Connection budget" in docs/deploying.md.'
        )
