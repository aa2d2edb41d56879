"""The provider's webhooks: sent with growing pauses until the shop answers 2xx, but not for ever."""

import logging
import sqlite3
import time

import httpx2

from sandbox.neighbours.agenda import Agenda, Task
from sandbox.neighbours.outage import Outages, Target
from sandbox.neighbours.yookassa import JsonObject, notification

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
PATIENCE = 10.0

log = logging.getLogger(__name__)


class Webhooks:
    """Notifications under way to one address; without an address nothing is sent."""

    def __init__(self, db: sqlite3.Connection, url: str | None, give_up: float, outages: Outages) -> None:
        self.url = url
        self.give_up = give_up
        self.outages = outages
        self.agenda = Agenda(db, "webhook", self._deliver)
        self.client = httpx2.AsyncClient(timeout=PATIENCE, trust_env=False)

    def announce(self, event: str, shown: JsonObject, delay: float) -> None:
        """Sends `event` with the object as it is now, `delay` seconds from now; in the caller's transaction."""
        if self.url is not None:
            self.agenda.put(notification(event, shown), delay)

    async def _deliver(self, task: Task) -> float | None:
        outage = self.outages.seconds_left(Target.PAYMENTS)
        if outage > 0:
            return outage
        if await self._accepted(task.body) or time.time() - task.since > self.give_up:
            return None
        return PAUSES[min(task.attempt, len(PAUSES) - 1)]

    async def _accepted(self, body: JsonObject) -> bool:
        if self.url is None:
            return False
        try:
            answer = await self.client.post(self.url, json=body)
        except httpx2.HTTPError as error:
            log.warning("webhook.failed event=%s reason=%s", body["event"], type(error).__name__)
            return False
        if not answer.is_success:
            log.warning("webhook.refused event=%s status=%s", body["event"], answer.status_code)
        return answer.is_success
