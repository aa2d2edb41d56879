"""Outgoing webhooks: queues the messages of order events, shows deliveries, and sends them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.db import Database, Executor, Transaction, retried
from services.errors import InvalidTransition, NotFound
from services.webhooks import endpoints_repository, repository
from services.webhooks.payloads import message_body, message_id
from services.webhooks.status import WebhookEventType
from services.webhooks.views import AttemptView, DeliveryFilter, DeliveryView, OrderEventFacts


class WebhookService:
    """Messages and their deliveries; `WebhookEndpoints` has the endpoints, `WebhookDispatcher` sends."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queue(self, events: Sequence[OrderEventFacts], tx: Executor) -> int:
        """Queue the messages of these events, once for each endpoint that wants them; returns how many.

        One statement for all events; without endpoints it writes nothing.
        """
        if not events:
            return 0
        return repository.queue(
            tx,
            [(message_id(each), WebhookEventType.of(each.type), each.order_id, message_body(each)) for each in events],
        )

    def get(self, delivery_id: UUID) -> tuple[DeliveryView, Sequence[AttemptView]]:
        """One delivery and its attempts, oldest first. Raises NotFound."""
        found = repository.find(self._database, delivery_id)
        if found is None:
            raise NotFound("There is no such delivery.")
        return found, repository.attempts(self._database, delivery_id)

    def before(self, wanted: DeliveryFilter, delivery_id: UUID | None, limit: int) -> list[DeliveryView]:
        """Deliveries, newest first, before an id."""
        return repository.before(self._database, wanted, delivery_id, limit)

    def redeliver(self, delivery_id: UUID) -> DeliveryView:
        """Send a message again, now, also one that was delivered. Raises NotFound; InvalidTransition: disabled."""

        def again(tx: Transaction) -> DeliveryView:
            found = repository.find(tx, delivery_id)
            if found is None:
                raise NotFound("There is no such delivery.")
            endpoints_repository.resume(tx, found.endpoint_id)
            if not repository.send_again(tx, delivery_id):
                raise InvalidTransition("The endpoint is disabled: enable it first.")
            return found

        self._database.run_in_transaction(again)
        return self.get(delivery_id)[0]

    def redeliver_failed(self, endpoint_id: UUID, since: datetime) -> int:
        """Send every message again that has failed, or was skipped, of the events since a time; returns how many.

        Raises NotFound; InvalidTransition: the endpoint is disabled.
        """
        endpoint = endpoints_repository.find(self._database, endpoint_id)
        if endpoint is None:
            raise NotFound("There is no such endpoint.")
        if endpoint.disabled_reason is not None:
            raise InvalidTransition("The endpoint is disabled: enable it first.")
        endpoints_repository.resume(self._database, endpoint_id)
        total = 0
        while sent := self._send_failed_again(endpoint_id, since):
            total += sent
        return total

    @retried
    def delete_old(self, limit: int) -> int:
        """Delete at most `limit` deliveries of 30 days ago that do not wait; returns how many."""
        return repository.delete_old(self._database, limit)

    @retried
    def _send_failed_again(self, endpoint_id: UUID, since: datetime) -> int:
        return repository.send_failed_again(self._database, endpoint_id, since)
