"""Builds the parts of outgoing webhooks, which share one check of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from services.db import Database
from services.secrets import Vault
from services.webhooks.addresses import read_networks
from services.webhooks.dispatcher import WebhookDispatcher
from services.webhooks.endpoints import WebhookEndpoints
from services.webhooks.resolving import HostCheck
from services.webhooks.sending import WebhookSender
from services.webhooks.service import WebhookService

#: Besides WEBHOOK_ALLOW_NETWORKS, in development: receivers on this machine.
_LOOPBACK = "127.0.0.0/8, ::1/128"


@dataclass(frozen=True)
class Webhooks:
    """The parts of outgoing webhooks."""

    service: WebhookService
    endpoints: WebhookEndpoints
    dispatcher: WebhookDispatcher


@contextmanager
def open_webhooks(
    database: Database, vault: Vault, *, allowed: str, name: str, development: bool
) -> Iterator[Webhooks]:
    """The parts; their threads end with the block. `allowed`: networks by comma; `name`: of this shop, for receivers.

    In development, http and addresses of this machine are allowed. Raises ValueError.
    """
    networks = read_networks(f"{allowed},{_LOOPBACK}" if development else allowed)
    with closing(HostCheck(networks)) as hosts:
        sender = WebhookSender(hosts, host=name)
        with closing(WebhookDispatcher(database, vault, sender, https_only=not development)) as dispatcher:
            endpoints = WebhookEndpoints(database, vault, hosts, https_only=not development)
            yield Webhooks(WebhookService(database), endpoints, dispatcher)
