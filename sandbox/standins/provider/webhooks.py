"""The provider's webhooks, retried with growing delays until the shop responds with 2xx.

Native notifications are always sent. Signed webhooks, which a shop can trust without a look-up, are sent on request.
"""

import json
import logging
import sqlite3
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from sandbox.standins.outage import Outages, Target
from sandbox.standins.provider.idempotence import IdempotenceStore
from sandbox.standins.provider.ledger import Payment
from sandbox.standins.provider.scheduler import ScheduledTask, Scheduler
from sandbox.standins.provider.webhook_client import WebhookClient
from sandbox.standins.provider.webhook_faults import FaultRules, WebhookFaults
from sandbox.standins.provider.webhook_signing import read_secrets, signed_headers
from sandbox.standins.provider.yookassa_json import JsonObject, notification, signed_message
from sandbox.standins.settings import Settings

RETRY_DELAYS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
# Extra delay of a webhook that the next one has to overtake, in seconds.
REORDER_DELAY = 1.5
MESSAGE_ID_NAMESPACE = uuid.UUID("5a0d6c5e-6f0e-4f5b-8d4c-1f6f8a3f2b77")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PaymentEvent:
    """A change of a payment: `name` and `content` of the native notification, `status` in the signed webhook.

    There is no native notification for `pending` and no signed status for a partial refund: those are None.
    """

    payment: Payment
    status: str | None
    name: str | None = None
    content: JsonObject | None = None


class Webhooks:
    """Sends webhooks; sends none without a receiver URL. The constructor raises InvalidSecret."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, outages: Outages) -> None:
        self.settings = settings
        self.outages = outages
        self.fault_rules = FaultRules(WebhookFaults(generic=settings.signed_webhooks))
        self.idempotence = IdempotenceStore(db)
        self.secrets = read_secrets(settings.webhook_secrets)
        self.native = Scheduler(db, "webhook", self._deliver)
        self.signed = Scheduler(db, "signed webhook", self._deliver_signed)
        self.client = WebhookClient()

    @property
    def can_sign(self) -> bool:
        """Whether signed webhooks can be sent: their receiver and the secrets are configured."""
        return self.settings.notify_url is not None and bool(self.secrets)

    def announce(self, event: PaymentEvent, delay: float) -> None:
        """Schedule the webhooks of an event, due `delay` seconds from now, in the caller's transaction."""
        faults = self.fault_rules.for_payment(event.payment)
        if faults.lose or (event.name is None and not faults.generic):
            return
        delay += faults.delay
        if faults.reorder and self.idempotence.count(f"webhook {event.payment.id}") % 2:
            delay += REORDER_DELAY
        for _ in range(1 + faults.duplicate):
            self._schedule(event, delay, signed_too=faults.generic)

    def _schedule(self, event: PaymentEvent, delay: float, *, signed_too: bool) -> None:
        if self.settings.webhook_url is not None and event.name is not None:
            self.native.schedule(notification(event.name, event.content or {}), delay)
        reference = event.payment.reference
        if signed_too and self.can_sign and reference is not None and event.status is not None:
            message_id = uuid.uuid5(MESSAGE_ID_NAMESPACE, f"{event.payment.id} {event.status}")
            self.signed.schedule(
                {"id": f"msg_{message_id}", "message": signed_message(event.payment, event.status)}, delay
            )

    async def _deliver(self, task: ScheduledTask) -> float | None:
        if self.settings.webhook_url is None:
            return None
        return await self._send(task, task.body["event"], self.settings.webhook_url, task.text.encode())

    async def _deliver_signed(self, task: ScheduledTask) -> float | None:
        if self.settings.notify_url is None:
            return None
        message = task.body["message"]
        url = self.settings.notify_url.replace("{paymentId}", quote(message["paymentId"], safe=""))
        body = json.dumps(message, ensure_ascii=False).encode()
        # signed at each attempt, because receivers reject timestamps older than five minutes
        headers = signed_headers(self.secrets, task.body["id"], int(time.time()), body)
        return await self._send(task, message["status"], url, body, headers)

    async def _send(
        self, task: ScheduledTask, event: str, url: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> float | None:
        outage = self.outages.seconds_left(Target.PAYMENTS)
        if outage > 0:
            return outage
        if await self._accepted(event, url, body, headers or {}):
            return None
        if time.time() - task.since > self.settings.webhook_give_up:
            return None
        return RETRY_DELAYS[min(task.attempt, len(RETRY_DELAYS) - 1)]

    async def _accepted(self, event: str, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        try:
            status = await self.client.post(url, body, headers)
        except OSError as error:
            log.warning("webhook.failed event=%s reason=%s", event, type(error).__name__)
            return False
        accepted = 200 <= status < 300
        if not accepted:
            log.warning("webhook.refused event=%s status=%s", event, status)
        return accepted
