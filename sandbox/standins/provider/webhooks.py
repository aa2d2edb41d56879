"""The provider's webhooks: sent with growing pauses until the shop answers 2xx, but not for ever.

Its own kind goes out always; a signed kind, which a shop can believe without asking back, where it was asked for.
"""

import json
import logging
import sqlite3
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx2

from sandbox.standins.outage import Outages, Target
from sandbox.standins.provider.idempotence import Memory
from sandbox.standins.provider.ledger import Payment
from sandbox.standins.provider.scheduler import Agenda, Task
from sandbox.standins.provider.webhook_faults import Manner, Manners
from sandbox.standins.provider.webhook_signing import read_secrets, signed_headers
from sandbox.standins.provider.yookassa_json import JsonObject, notification, signed_message
from sandbox.standins.settings import Settings

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
PATIENCE = 10.0
# How long a message is held back that the next one is to overtake, in seconds.
HELD_BACK = 1.5
IDS = uuid.UUID("5a0d6c5e-6f0e-4f5b-8d4c-1f6f8a3f2b77")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class News:
    """What happened to a payment: the provider's own event with its object, and the word of the signed kind for it.

    Each kind lacks some: there is no event of its own for `pending`, and no signed word for a refund of a part.
    """

    payment: Payment
    status: str | None
    event: str | None = None
    shown: JsonObject | None = None


class Webhooks:
    """Notifications under way; without an address nothing is sent. Raises NoSecret."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, outages: Outages) -> None:
        self.settings = settings
        self.outages = outages
        self.manners = Manners(Manner(generic=settings.signed_webhooks))
        self.memory = Memory(db)
        self.secrets = read_secrets(settings.webhook_secrets)
        self.native = Agenda(db, "webhook", self._deliver)
        self.signed = Agenda(db, "signed webhook", self._deliver_signed)
        self.client = httpx2.AsyncClient(timeout=PATIENCE, trust_env=False)

    @property
    def can_sign(self) -> bool:
        """Whether signed ones could be sent: where to and with what is known."""
        return self.settings.notify_url is not None and bool(self.secrets)

    def announce(self, news: News, delay: float) -> None:
        """Sends the news as they are now, `delay` seconds from now; in the caller's transaction."""
        manner = self.manners.of(news.payment)
        if manner.lose or (news.event is None and not manner.generic):
            return
        delay += manner.delay
        if manner.reorder and self.memory.count(f"webhook {news.payment.id}") % 2:
            delay += HELD_BACK
        for _ in range(1 + manner.duplicate):
            self._put(news, delay, signed_too=manner.generic)

    def _put(self, news: News, delay: float, *, signed_too: bool) -> None:
        if self.settings.webhook_url is not None and news.event is not None:
            self.native.put(notification(news.event, news.shown or {}), delay)
        reference = news.payment.reference
        if signed_too and self.can_sign and reference is not None and news.status is not None:
            message_id = uuid.uuid5(IDS, f"{news.payment.id} {news.status}")
            self.signed.put({"id": f"msg_{message_id}", "message": signed_message(news.payment, news.status)}, delay)

    async def _deliver(self, task: Task) -> float | None:
        if self.settings.webhook_url is None:
            return None
        return await self._send(task, task.body["event"], self.settings.webhook_url, json.dumps(task.body).encode())

    async def _deliver_signed(self, task: Task) -> float | None:
        if self.settings.notify_url is None:
            return None
        message = task.body["message"]
        url = self.settings.notify_url.replace("{paymentId}", quote(message["paymentId"], safe=""))
        body = json.dumps(message, ensure_ascii=False).encode()
        # signed anew at each try, because receivers refuse what is older than five minutes
        headers = signed_headers(self.secrets, task.body["id"], int(time.time()), body)
        return await self._send(task, message["status"], url, body, headers)

    async def _send(
        self, task: Task, event: str, url: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> float | None:
        outage = self.outages.seconds_left(Target.PAYMENTS)
        if outage > 0:
            return outage
        if await self._accepted(event, url, body, headers or {}):
            return None
        if time.time() - task.since > self.settings.webhook_give_up:
            return None
        return PAUSES[min(task.attempt, len(PAUSES) - 1)]

    async def _accepted(self, event: str, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        try:
            answer = await self.client.post(url, content=body, headers={"Content-Type": "application/json", **headers})
        except httpx2.HTTPError as error:
            log.warning("webhook.failed event=%s reason=%s", event, type(error).__name__)
            return False
        if not answer.is_success:
            log.warning("webhook.refused event=%s status=%s", event, answer.status_code)
        return answer.is_success
