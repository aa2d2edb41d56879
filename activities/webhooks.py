"""The dispatcher of outgoing webhooks: sends what is due to the endpoints of other systems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio import activity

from activities.polling import Wakeup, heartbeats, until_shutdown

if TYPE_CHECKING:
    from services.webhooks.dispatcher import WebhookDispatcher

#: One run of the activity; its workflow starts the next.
RUN = timedelta(minutes=10)
#: Seconds after which the queue is read without a notification, and so how late a retry can be.
IDLE = 1.0


@dataclass(frozen=True)
class WebhookActivities:
    """Sends webhooks until its run or the worker ends."""

    dispatcher: WebhookDispatcher
    wakeup: Callable[[], Wakeup]

    @activity.defn
    async def dispatch_webhooks(self) -> int:
        """Send messages as they fall due; returns how many were delivered.

        At the end, what is in flight is awaited: at most the time-out of one exchange.
        """
        with self.wakeup() as wakeup:
            in_flight = self.dispatcher.in_flight(wakeup.wake)
            async with heartbeats():
                try:
                    async for _ in until_shutdown(RUN):
                        if not await in_flight.start_due():
                            await wakeup.wait(IDLE)
                finally:
                    await in_flight.finish()
        return in_flight.delivered
