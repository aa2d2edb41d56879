"""What the order depends on outside our system: the payment provider, and Temporal as the relay sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.payments.gateway import ProviderRefund, RefundRequest, WebhookEvent
from tests.fakes.gateway import Behaviour, FakeGateway


@dataclass
class Provider(FakeGateway):
    """A provider whose refunds behave otherwise than its charges, and whose webhooks name our payment."""

    refunds_behave: Behaviour = Behaviour.SUCCEEDS

    def refund(self, request: RefundRequest, *, within: float) -> ProviderRefund:
        charges = self.behaviour
        self.behaviour = self.refunds_behave
        try:
            return super().refund(request, within=within)
        finally:
            self.behaviour = charges

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> WebhookEvent | None:
        event = super().read_webhook(headers, body, source)
        assert event is not None
        made = {one.provider_id: reference for reference, ones in self.payments.items() for one in ones}
        return replace(event, reference=made[event.provider_id])


@dataclass
class RecordingClient:
    """What `OrderCommands` uses of a Temporal client: remembers the workflow that was started or signalled."""

    started: list[tuple[Any, str | None]] = field(default_factory=list)

    async def start_workflow(self, workflow: Any, _: object = None, **arguments: Any) -> None:
        self.started.append((workflow, arguments.get("start_signal")))
