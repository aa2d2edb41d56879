"""When the attention of orders is tried again by itself, and how it is tried at once: the port to recovery."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from anyio import from_thread
from fastapi import Depends, Request

from api.state import state_of
from services.errors import Unavailable
from services.orders.views import OrderView


class OrderRetries(Protocol):
    """Port to recovery for one order; `workflows.order_retries` implements it."""

    async def next_tries(self, order_id: UUID, reasons: Collection[str]) -> Mapping[str, datetime]:
        """When each attention reason is tried again by itself; without those that are not, or of which it is not known.

        It takes a second at most.
        """

    async def retry(self, order_id: UUID, reason: str, by: str) -> str:
        """Try again at once what a reason is about that no undo raised; returns what was done.

        Raises InvalidTransition (there is nothing to try), Unavailable.
        """


class Retries:
    """The retries of one application; without the port nothing is known, and nothing is tried at once."""

    def __init__(self, port: OrderRetries | None) -> None:
        self._port = port

    async def next_tries(self, order: OrderView) -> Mapping[str, datetime]:
        """As `OrderRetries.next_tries`, for all reasons of an order."""
        if self._port is None or not order.needs_attention:
            return {}
        return await self._port.next_tries(order.id, order.attention_reasons)

    def next_tries_from_thread(self, order: OrderView) -> Mapping[str, datetime]:
        """As `next_tries`, for a handler that runs in a thread."""
        return from_thread.run(self.next_tries, order) if order.needs_attention else {}

    async def retry(self, order_id: UUID, reason: str, by: str) -> str:
        """As `OrderRetries.retry`."""
        if self._port is None:
            raise Unavailable("Temporal cannot be reached. Try again.", retry_after=5)
        return await self._port.retry(order_id, reason, by)


async def _retries(request: Request) -> Retries:
    return Retries(state_of(request.app).retries)


#: What the handlers of attention use.
CurrentRetries = Annotated[Retries, Depends(_retries)]
