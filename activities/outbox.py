"""Delivering commands from the outbox to Temporal, for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from temporalio import activity

from activities.polling import Alarm, until_shutdown

if TYPE_CHECKING:
    from services.orders.outbox import OrderOutbox
    from services.orders.views import Command

#: One run of the activity; its workflow starts the next.
RUN = timedelta(minutes=10)
#: Commands taken at once; each belongs to another order.
BATCH = 32
#: Seconds for which a command is ours; then another relay may try.
LEASE = 15.0
#: Seconds until a command that could not be delivered is tried again.
RETRY = 1.0
#: Deliveries under way at once: more would only queue inside the server.
AT_ONCE = 8
#: Seconds after which the outbox is looked at though nobody called.
IDLE = 1.0


class Courier(Protocol):
    """Brings a command to its workflow; receives the workflow client, so that this room needs none."""

    async def deliver(self, command: Command) -> str:
        """Deliver, and say what became of it: `delivered`, `joined`, `stale`. Raises when Temporal is away."""


@dataclass(frozen=True)
class OutboxActivities:
    """The relay."""

    outbox: OrderOutbox
    courier: Courier
    alarm: Callable[[], Alarm]

    @activity.defn
    async def relay_outbox(self) -> int:
        """Deliver what waits, oldest first per order, until the run's time or the worker ends; returns how many."""
        delivered = 0
        with self.alarm() as alarm:
            async for _ in until_shutdown(RUN):
                commands = await asyncio.to_thread(self.outbox.claim_commands, BATCH, LEASE)
                outcomes = await self._deliver(commands)
                if commands:
                    await asyncio.to_thread(self._record, commands, outcomes)
                delivered += len(outcomes)
                if len(outcomes) < len(commands) or not commands:
                    await alarm.wait(IDLE)
        return delivered

    def _record(self, commands: Sequence[Command], outcomes: Mapping[int, str]) -> None:
        self.outbox.finish_commands(outcomes)
        self.outbox.return_commands([command.id for command in commands if command.id not in outcomes], RETRY)

    async def _deliver(self, commands: Sequence[Command]) -> dict[int, str]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(command: Command) -> tuple[int, str] | None:
            async with places:
                try:
                    return command.id, await asyncio.wait_for(self.courier.deliver(command), 5)
                except Exception as error:
                    activity.logger.warning("outbox.undelivered %s: %s", command.name, type(error).__name__)
                    return None

        return dict(filter(None, await asyncio.gather(*map(one, commands))))
