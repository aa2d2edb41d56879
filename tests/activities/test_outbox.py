"""The outbox relay: delivers each command once, and tries again what could not be delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from temporalio.testing import ActivityEnvironment

from activities.outbox import OutboxActivities
from activities.polling import Wakeup
from services.bootstrap import Services
from services.db import Database
from services.orders.views import Command, OrderView


class Delivery:
    """Records the commands; raises ConnectionError for an order's commands as often as `failing` has it."""

    def __init__(self, environment: ActivityEnvironment, expected: int) -> None:
        """`expected`: number of deliveries after which the worker shuts down."""
        self._environment, self._expected = environment, expected
        self.failing: dict[object, int] = {}
        self.attempts: list[tuple[object, str]] = []
        self.delivered: list[tuple[object, str]] = []

    async def deliver(self, command: Command) -> str:
        self.attempts.append((command.order_id, command.name))
        if self.failing.get(command.order_id, 0):
            self.failing[command.order_id] -= 1
            raise ConnectionError("Temporal is not available")
        self.delivered.append((command.order_id, command.name))
        if len(self.delivered) == self._expected:
            self._environment.worker_shutdown()
        return "delivered"


async def relay(services: Services, environment: ActivityEnvironment, delivery: Delivery) -> int:
    """Run the relay until the expected commands are delivered; returns what it returns."""
    activities = OutboxActivities(services.order_outbox, delivery, lambda: Wakeup(_no_notifications, "outbox"))
    return await asyncio.wait_for(environment.run(activities.relay_outbox), 20)


def _no_notifications(_: str, __: Callable[[str], None]) -> Callable[[], None]:
    return lambda: None


def outcomes(database: Database, order: OrderView) -> Mapping[str, str]:
    """Outcome of each finished command of an order, by name."""
    statement = "SELECT name, outcome FROM orders.outbox WHERE order_id = %(id)s AND done_at IS NOT NULL"
    with database.transaction() as tx:
        return {row.name: row.outcome for row in tx.fetch_all(statement, {"id": order.id})}


async def test_commands_are_delivered_and_recorded(
    services: Services, database: Database, reserved_order: Callable[[], OrderView]
) -> None:
    order = reserved_order()
    services.orders.request_cancel(order.id, order.buyer_id)
    environment = ActivityEnvironment()
    delivery = Delivery(environment, expected=1)
    assert await relay(services, environment, delivery) == 1
    assert delivery.delivered == [(order.id, "cancel_requested")]
    assert outcomes(database, order)["cancel_requested"] == "delivered"
    assert services.order_outbox.claim_commands(10, 1) == []


async def test_an_undelivered_command_is_retried_and_does_not_block_other_orders(
    services: Services, database: Database, reserved_order: Callable[[], OrderView]
) -> None:
    failing, other = reserved_order(), reserved_order()
    for order in (failing, other):
        services.orders.request_cancel(order.id, order.buyer_id)
    environment = ActivityEnvironment()
    delivery = Delivery(environment, expected=2)
    delivery.failing = {failing.id: 1}
    assert await relay(services, environment, delivery) == 2
    assert [order_id for order_id, _ in delivery.delivered] == [other.id, failing.id]
    assert [order_id for order_id, _ in delivery.attempts].count(failing.id) == 2
    assert outcomes(database, failing)["cancel_requested"] == "delivered"
