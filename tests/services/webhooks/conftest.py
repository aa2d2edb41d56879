"""Fixtures: the parts of outgoing webhooks on an empty database, allowed to send to receivers on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.secrets import Vault
from services.webhooks.addresses import read_networks
from services.webhooks.dispatcher import WebhookDispatcher
from services.webhooks.endpoints import WebhookEndpoints
from services.webhooks.resolving import HostCheck
from services.webhooks.sending import WebhookSender
from services.webhooks.service import WebhookService
from services.webhooks.status import DeliveryStatus
from services.webhooks.views import AttemptView, DeliveryFilter, DeliveryView
from tests.builders import KEY
from tests.fakes.clock import FakeClock
from tests.services.webhooks.builders import an_event


@dataclass
class Shop:
    """A shop with webhooks, whose time a test moves."""

    database: Database
    clock: FakeClock
    vault: Vault
    hosts: HostCheck
    endpoints: WebhookEndpoints
    service: WebhookService

    def dispatcher(self, database: Database | None = None, *, within: float = 0.5, **more: float) -> WebhookDispatcher:
        sender = WebhookSender(self.hosts, within=within)
        options: dict[str, Any] = {"https_only": False, "chance": lambda: 0.0, **more}
        return WebhookDispatcher(database or self.database, self.vault, sender, **options)

    def add(self, url: str) -> UUID:
        return self.endpoints.add(url).endpoint.id

    def queue(self, count: int = 1) -> list[UUID]:
        """The orders of new events."""
        orders = [new_id() for _ in range(count)]
        with self.database.transaction() as tx:
            self.service.queue([an_event(order_id) for order_id in orders], tx)
        return orders

    def deliveries(self, **wanted: UUID | DeliveryStatus) -> list[DeliveryView]:
        """Newest first."""
        return self.service.before(DeliveryFilter(**wanted), None, 1000)  # type: ignore[arg-type]  # of several types

    def only(self) -> tuple[DeliveryView, list[AttemptView]]:
        """The one delivery, with its attempts."""
        (delivery,) = self.deliveries()
        found, attempts = self.service.get(delivery.id)
        return found, list(attempts)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock.now()


@pytest.fixture
def shop(database: Database, clock: FakeClock) -> Iterator[Shop]:
    timed, vault = database.with_clock(clock), Vault(KEY)
    hosts = HostCheck(read_networks("127.0.0.0/8"))
    yield Shop(
        timed, clock, vault, hosts, WebhookEndpoints(timed, vault, hosts, https_only=False), WebhookService(timed)
    )
    hosts.close()
