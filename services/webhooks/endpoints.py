"""Endpoints: operators add, change, disable and delete them, and rotate their secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, Transaction, retried
from services.errors import Invalid, NotFound
from services.idempotency import IdempotentRequest, remember
from services.secrets import Vault
from services.standard_webhooks import new_secret
from services.webhooks import endpoints_repository, repository
from services.webhooks.resolving import AddressRefused, HostCheck
from services.webhooks.status import DisabledReason, WebhookEventType
from services.webhooks.urls import read_url
from services.webhooks.views import EndpointSecret, EndpointView

#: Each endpoint has connections of its own; this many keep a worker's memory and descriptors bounded.
MOST = 20
#: Most hours for which the secret before a rotation signs too.
MAX_OVERLAP_HOURS = 168

_log = structlog.get_logger("webhooks")


class WebhookEndpoints:
    """The part of outgoing webhooks that operators manage."""

    def __init__(self, database: Database, vault: Vault, hosts: HostCheck, *, https_only: bool) -> None:
        """`hosts` refuses addresses when an endpoint is added; the sender refuses them with every message."""
        self._database = database
        self._vault = vault
        self._hosts = hosts
        self._https_only = https_only

    def add(
        self,
        url: str,
        description: str = "",
        types: Sequence[WebhookEventType] = tuple(WebhookEventType),
        request: IdempotentRequest | None = None,
    ) -> EndpointSecret:
        """Add an endpoint, enabled. Its secret is returned this once; a repeated request gets none.

        Raises Invalid for a URL or address that is not allowed, and when there are too many endpoints.
        """
        self._check(url)
        endpoint_id, secret = new_id(), new_secret()

        def add(tx: Transaction) -> tuple[UUID, str | None]:
            if earlier := remember(tx, request, endpoint_id, 201):
                return earlier.resource_id, None
            endpoints_repository.lock(tx)
            if endpoints_repository.count(tx) >= MOST:
                raise Invalid(f"There are {MOST} endpoints already: delete one first.", pointer="/url")
            sealed = self._vault.seal({"secret": secret})
            endpoints_repository.insert(tx, endpoint_id, url, description, _distinct(types), sealed)
            return endpoint_id, secret

        added, shown = self._database.run_in_transaction(add)
        return EndpointSecret(self.get(added), shown)

    def get(self, endpoint_id: UUID) -> EndpointView:
        """One endpoint. Raises NotFound."""
        found = endpoints_repository.find(self._database, endpoint_id)
        if found is None:
            raise NotFound("There is no such endpoint.")
        return found

    def after(self, endpoint_id: UUID | None = None, limit: int = MOST) -> list[EndpointView]:
        """Endpoints in the order in which they were added, after an id."""
        return endpoints_repository.after(self._database, endpoint_id, limit)

    def change(
        self,
        endpoint_id: UUID,
        *,
        url: str | None = None,
        description: str | None = None,
        types: Sequence[WebhookEventType] | None = None,
        enabled: bool | None = None,
    ) -> EndpointView:
        """Change what is not None. Enabling forgets the failures; what was skipped stays so until it is sent again.

        Raises NotFound, and Invalid for a URL or address that is not allowed.
        """
        if url is not None:
            self._check(url)
        given: Mapping[str, object] = {
            "url": url,
            "description": description,
            "types": _distinct(types) if types is not None else None,
        }

        def change(tx: Transaction) -> None:
            if not endpoints_repository.change(tx, endpoint_id, given):
                raise NotFound("There is no such endpoint.")
            if enabled is True:
                endpoints_repository.enable(tx, endpoint_id)
            elif enabled is False:
                endpoints_repository.disable(tx, endpoint_id, DisabledReason.OPERATOR)

        self._database.run_in_transaction(change)
        return self.get(endpoint_id)

    def rotate(
        self, endpoint_id: UUID, overlap_hours: int = 24, request: IdempotentRequest | None = None
    ) -> EndpointSecret:
        """Make another secret, returned this once; the present one signs too for `overlap_hours`, of 0 to 168.

        Raises NotFound.
        """
        secret = new_secret()

        def rotate(tx: Transaction) -> str | None:
            if remember(tx, request, endpoint_id, 200):
                return None
            if not endpoints_repository.rotate(
                tx, endpoint_id, self._vault.seal({"secret": secret}), overlap_hours * 3600
            ):
                raise NotFound("There is no such endpoint.")
            return secret

        shown = self._database.run_in_transaction(rotate)
        return EndpointSecret(self.get(endpoint_id), shown)

    def delete(self, endpoint_id: UUID) -> None:
        """Delete an endpoint with its deliveries. Raises NotFound."""
        self.change(endpoint_id, enabled=False)
        while self._delete_deliveries(endpoint_id):
            pass
        endpoints_repository.delete(self._database, endpoint_id)
        _log.info("webhooks.endpoint_deleted", endpoint_id=str(endpoint_id))

    @retried
    def _delete_deliveries(self, endpoint_id: UUID) -> int:
        return repository.delete_of(self._database, endpoint_id)

    def _check(self, url: str) -> None:
        try:
            target = read_url(url, https_only=self._https_only)
        except ValueError as error:
            raise Invalid(str(error), pointer="/url") from None
        try:
            self._hosts.check(target.host, target.port)
        except AddressRefused:
            raise Invalid("The host is, or has, an address that is not public.", pointer="/url") from None


def _distinct(types: Sequence[WebhookEventType]) -> list[str]:
    return [str(each) for each in dict.fromkeys(types)]
