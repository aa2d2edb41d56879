"""Sends what is due: few messages at once to each endpoint, so that a slow one delays no other."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

import structlog

from services.db import Database, Transaction, retried
from services.errors import Unavailable
from services.secrets import Vault, webhook_keys
from services.standard_webhooks import signed_headers
from services.webhooks import endpoints_repository, repository
from services.webhooks.retry_policy import Outcome, outcome_of
from services.webhooks.sending import Answer, WebhookSender
from services.webhooks.status import DeliveryStatus
from services.webhooks.urls import read_url
from services.webhooks.views import ClaimedDelivery

R = TypeVar("R")
#: Messages to one endpoint at once.
PER_ENDPOINT = 4
#: Seconds for which a claimed message belongs to one dispatcher: an exchange, and the time to write its result.
LEASE = 60.0
#: Seconds after which a result that could not be written is tried again.
RETRY = 0.2
#: Threads, and so connections to the database.
THREADS = 2

_log = structlog.get_logger("webhooks")


class WebhookDispatcher:
    """Claims messages, sends them side by side, and writes what became of each.

    A message whose result is not written (the process has died) is sent again after its lease, with the same id.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        sender: WebhookSender,
        *,
        https_only: bool,
        lease: float = LEASE,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance`: a number from 0 to 1, for the jitter of retries."""
        self._database = database
        self._vault = vault
        self._sender = sender
        self._https_only = https_only
        self._lease = lease
        self._chance = chance
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks")

    def in_flight(self, on_end: Callable[[], None] = lambda: None) -> InFlight:
        """The messages of one run; `on_end` is called when one has ended."""
        return InFlight(self, on_end)

    async def claim(self, busy: Counter[UUID]) -> list[ClaimedDelivery]:
        """Claim what is due and may be sent now. Raises Unavailable."""
        return await self._in_thread(lambda: self._claim(busy))

    async def deliver(self, claimed: ClaimedDelivery) -> DeliveryStatus:
        """Send one message and write the result."""
        started = time.monotonic()
        outcome = outcome_of(claimed, await self._send(claimed), self._chance)
        while True:
            try:
                recorded = await self._in_thread(lambda: self._record(outcome))
                break
            except Unavailable:
                if time.monotonic() - started > self._lease:
                    raise
                await asyncio.sleep(RETRY)
        self._log(outcome, recorded)
        return outcome.status

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    async def _send(self, claimed: ClaimedDelivery) -> Answer:
        try:
            secrets = [claimed.secret, *filter(None, [claimed.previous_secret])]
            keys = [webhook_keys(self._vault.open(each)["secret"])[0] for each in secrets]
        except ValueError:
            return Answer(None, "this process lacks the key of the secret")
        try:
            target = read_url(claimed.url, https_only=self._https_only)
        except ValueError:
            return Answer(None, "the address is not allowed")
        body = claimed.body.encode()
        return await self._sender.send(target, signed_headers(keys, claimed.message_id, int(time.time()), body), body)

    async def _in_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @retried
    def _claim(self, busy: Counter[UUID]) -> list[ClaimedDelivery]:
        return repository.claim(self._database, busy, PER_ENDPOINT, self._lease)

    def _record(self, outcome: Outcome) -> bool:
        def record(tx: Transaction) -> bool:
            recorded = repository.record(tx, outcome)
            endpoint_id = outcome.delivery.endpoint_id
            if outcome.status is DeliveryStatus.DELIVERED:
                endpoints_repository.succeeded(tx, endpoint_id)
            else:
                endpoints_repository.failed(tx, endpoint_id, outcome.pause)
            if outcome.disabled and endpoints_repository.disable(tx, endpoint_id, outcome.disabled):
                tx.after_commit(
                    lambda: _log.error(
                        "webhooks.endpoint_disabled", endpoint_id=str(endpoint_id), reason=outcome.disabled
                    )
                )
            return recorded

        return self._database.run_in_transaction(record)

    def _log(self, outcome: Outcome, recorded: bool) -> None:
        fields = {
            "delivery_id": str(outcome.delivery.id),
            "endpoint_id": str(outcome.delivery.endpoint_id),
            "status": outcome.status,
            "error": outcome.answer.error,
            "duration": outcome.answer.duration,
        }
        if outcome.status is DeliveryStatus.FAILED:
            _log.warning("webhooks.failed", **fields)
        elif not recorded:
            _log.info("webhooks.result_late", **fields)


class InFlight:
    """The messages that one run of the dispatcher has in flight."""

    def __init__(self, dispatcher: WebhookDispatcher, on_end: Callable[[], None]) -> None:
        self._dispatcher = dispatcher
        self._on_end = on_end
        self._busy = Counter[UUID]()
        self._tasks = set[asyncio.Task[None]]()
        self.delivered = 0

    async def start_due(self) -> int:
        """Send what is due and may be sent now, in the background; returns how many were started."""
        claimed = await self._dispatcher.claim(+self._busy)
        for each in claimed:
            self._busy[each.endpoint_id] += 1
            task = asyncio.create_task(self._deliver(each))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(claimed)

    async def finish(self) -> None:
        """Wait for everything in flight; what is in flight when this is cancelled is sent again after its lease."""
        try:
            while self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _deliver(self, claimed: ClaimedDelivery) -> None:
        try:
            if await self._dispatcher.deliver(claimed) is DeliveryStatus.DELIVERED:
                self.delivered += 1
        except Unavailable:
            _log.warning("webhooks.result_lost", delivery_id=str(claimed.id))
        except Exception as error:  # one message must not end the others; it is sent again after its lease
            _log.error("webhooks.delivery_broken", delivery_id=str(claimed.id), error=type(error).__name__)
        finally:
            self._busy[claimed.endpoint_id] -= 1
            self._on_end()
