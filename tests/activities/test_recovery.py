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
from services.clock import new_id
from services.db import Database
from tests.builders import an_order


@dataclass
class Runs:
    """Temporal has forgotten every order, and cannot start one of them."""

    broken: UUID | None = None
    open: set[UUID] = field(default_factory=set)
    started: list[UUID] = field(default_factory=list)
    stopped: list[UUID] = field(default_factory=list)
    waiting: set[UUID] = field(default_factory=set)
    given: list[UUID] = field(default_factory=list)

    async def running(self) -> set[UUID]:
        return self.open

    async def state(self, order_id: UUID) -> RunState:
        return RunState.GONE

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        if order_id == self.broken:
            raise TypeError("a start input that no release reads")
        self.started.append(order_id)

    async def waiting_for_method(self) -> set[UUID]:
        return self.waiting

    async def method_given(self, order_id: UUID) -> None:
        self.given.append(order_id)

    async def stop(self, order_id: UUID) -> None:
        self.stopped.append(order_id)


async def test_an_order_that_cannot_be_started_does_not_stop_the_others(services: Services, database: Database) -> None:
    first, second, third = [services.orders.place(an_order()).order.id for _ in range(3)]
    database.execute("UPDATE orders.orders SET updated_at = now() - interval '1 hour'")
    runs = Runs(broken=first)
    recovery = RecoveryActivities(services.order_recovery, services.order_transitions, runs)
    with pytest.raises(TypeError):
        await ActivityEnvironment().run(recovery.recover_orders)
    assert sorted(runs.started) == sorted([second, third])


async def test_F79_the_workflow_of_an_order_that_is_not_open_is_stopped(services: Services, database: Database) -> None:
    opened, ended, ending = [services.orders.place(an_order()).order.id for _ in range(3)]
    database.execute("UPDATE orders.orders SET status = 'confirmed' WHERE id = ANY (%(ids)s)", {"ids": [ended, ending]})
    older = "UPDATE orders.orders SET updated_at = now() - interval '1 minute' WHERE id = %(id)s"
    database.execute(older, {"id": ended})
    lost = new_id()
    runs = Runs(open={opened, ended, ending, lost})
    recovery = RecoveryActivities(services.order_recovery, services.order_transitions, runs)
    assert await ActivityEnvironment().run(recovery.recover_orders) == 0
    assert (runs.started, sorted(runs.stopped)) == ([], sorted([ended, lost]))


async def test_F79_a_workflow_that_waits_for_a_method_which_the_row_has_is_notified(
    services: Services, database: Database
) -> None:
    """Temporal was restored to a time at which the order had none."""
    placed = [services.orders.place(an_order(card=card)).order.id for card in (None, "tok_succeeds", None, None)]
    nothing, given, pending, changed = placed
    statuses = {nothing: "reserved", given: "reserved", pending: "payment_pending", changed: "payment_pending"}
    statement = (
        "UPDATE orders.orders SET status = %(status)s, updated_at = now() - make_interval(secs => %(age)s)"
        " WHERE id = %(id)s"
    )
    for order_id, status in statuses.items():
        database.execute(statement, {"id": order_id, "status": status, "age": 0 if order_id == changed else 60})
    runs = Runs(open=set(placed), waiting=set(placed))
    recovery = RecoveryActivities(services.order_recovery, services.order_transitions, runs)
    await ActivityEnvironment().run(recovery.recover_orders)
    assert (sorted(runs.given), runs.stopped) == (sorted([given, pending]), [])
