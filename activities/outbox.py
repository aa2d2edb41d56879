"""The outbox relay: delivers commands of orders to Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from temporalio import activity

from activities.polling import Wakeup, until_shutdown

if TYPE_CHECKING:
    from services.orders.outbox import OrderOutbox
    from services.orders.views import Command

#: One run of the activity; its workflow starts the next.
RUN = timedelta(minutes=10)
#: Commands leased at once; each belongs to another order.
BATCH = 32
#: Seconds for which a command is leased; then another relay may try.
LEASE = 15.0
#: Seconds until a command that could not be delivered is tried again.
RETRY = 1.0
#: Concurrent deliveries: more would only queue inside the server.
AT_ONCE = 8
#: Seconds after which the outbox is read without a notification.
IDLE = 1.0


class CommandDelivery(Protocol):
    """Delivers a command to its workflow."""

    async def deliver(self, command: Command) -> str:
        """Deliver, and return the outcome: `delivered`, `refund`, `stale`. Raises when Temporal is away."""


@dataclass(frozen=True)
class OutboxActivities:
    """The relay of the outbox."""

    outbox: OrderOutbox
    delivery: CommandDelivery
    wakeup: Callable[[], Wakeup]

    @activity.defn
    async def relay_outbox(self) -> int:
        """Deliver waiting commands, oldest first per order, until the run or the worker ends; returns how many."""
        delivered = 0
        with self.wakeup() as wakeup:
            async for _ in until_shutdown(RUN):
                commands = await asyncio.to_thread(self.outbox.claim_commands, BATCH, LEASE)
                outcomes = await self._deliver(commands)
                if commands:
                    await asyncio.to_thread(self._record, commands, outcomes)
                delivered += len(outcomes)
                if len(outcomes) < len(commands) or not commands:
                    await wakeup.wait(IDLE)
        return delivered

    def _record(self, commands: Sequence[Command], outcomes: Mapping[int, str]) -> None:
        self.outbox.finish_commands(outcomes)
        self.outbox.return_commands([command.id for command in commands if command.id not in outcomes], RETRY)

    async def _deliver(self, commands: Sequence[Command]) -> dict[int, str]:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(command: Command) -> tuple[int, str] | None:
            async with slots:
                try:
                    return command.id, await asyncio.wait_for(self.delivery.deliver(command), 5)
                except Exception as error:
                    fields = {"order_id": str(command.order_id), "command": command.name, "error": type(error).__name__}
                    activity.logger.warning("outbox.undelivered", extra=fields)
                    return None

        return dict(filter(None, await asyncio.gather(*map(one, commands))))
