"""Recovery: an order that cannot be started does not keep the others from it, and the error is not hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.recovery import RecoveryActivities, RunState
from services.bootstrap import Services
from services.db import Database
from tests.builders import an_order


@dataclass
class Runs:
    """Temporal has forgotten every order, and cannot start one of them."""

    broken: UUID
    started: list[UUID] = field(default_factory=list)

    async def running(self) -> set[UUID]:
        return set()

    async def state(self, order_id: UUID) -> RunState:
        return RunState.GONE

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        if order_id == self.broken:
            raise TypeError("a start input that no release reads")
        self.started.append(order_id)


async def test_an_order_that_cannot_be_started_does_not_stop_the_others(services: Services, database: Database) -> None:
    first, second, third = [services.orders.place(an_order()).order.id for _ in range(3)]
    database.execute("UPDATE orders.orders SET updated_at = now() - interval '1 hour'")
    runs = Runs(broken=first)
    recovery = RecoveryActivities(services.order_recovery, services.order_transitions, runs)
    with pytest.raises(TypeError):
        await ActivityEnvironment().run(recovery.recover_orders)
    assert sorted(runs.started) == sorted([second, third])
