"""Server-sent events of one order: its state, missed events, then new events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from api.orders import presenters
from api.orders.waiting import LongPolling, wait_for
from services.errors import Unauthenticated, Unavailable
from services.identity.views import Caller
from services.orders.service import OrderService
from services.orders.views import EventView, OrderView

#: Streams of one process at once.
MAX_STREAMS = 500
#: Seconds; a browser reconnects by itself, with a fresh token.
LONGEST = 600
#: Seconds without an event before a comment is sent and the token is checked again.
KEEP_ALIVE = 15


class Authenticator(Protocol):
    """Checks access tokens."""

    def authenticate(self, token: str) -> Caller:
        """The caller of a valid token. Raises Unauthenticated."""


class OrderStream:
    """The stream of one client; `seen` is the id of the last event it received (Last-Event-ID), None the first time."""

    def __init__(
        self,
        orders: OrderService,
        authenticator: Authenticator,
        long_polling: LongPolling,
        order_id: UUID,
        buyer: UUID | None,
        token: str,
        seen: int | None,
    ) -> None:
        self._orders, self._authenticator, self._long_polling = orders, authenticator, long_polling
        self._order_id, self._buyer, self._token = order_id, buyer, token
        self._seen = seen

    async def open(self) -> bool:
        """Whether there is anything to send. Raises NotFound, and Unavailable when too many streams are open."""
        if self._long_polling.listeners >= MAX_STREAMS:
            raise Unavailable("Too many streams are open. Request the events as JSON.", retry_after=30)
        order, missed = await self._look(self._seen or 0)
        return self._seen is None or not order.closed or bool(missed)

    async def frames(self) -> AsyncIterator[bytes]:
        """The frames of the stream."""
        ends = asyncio.get_running_loop().time() + LONGEST
        with self._long_polling.listening(self._order_id) as notified:
            order, events = await self._look(self._seen or 0)
            yield self._state(order, events)
            while True:
                for event in events:
                    self._seen = event.id
                    yield _frame(presenters.event(event).model_dump_json(by_alias=True), id_=event.id)
                if order.closed or self._long_polling.draining:
                    return
                async for comment in self._keep_alive(notified, ends):
                    yield comment
                if not notified.is_set():
                    return
                notified.clear()
                order, events = await self._look(self._seen or 0)

    def _state(self, order: OrderView, events: list[EventView]) -> bytes:
        """The present state. A new client continues from here; a reconnected one is sent the events it missed."""
        state = {"orderId": str(order.id), "status": order.status, "needsAttention": order.needs_attention}
        if self._seen is not None:
            return _frame(json.dumps(state), name="state")
        self._seen = events[-1].id if events else 0
        events.clear()
        return _frame(json.dumps(state), name="state", id_=self._seen)

    async def _keep_alive(self, notified: asyncio.Event, ends: float) -> AsyncIterator[bytes]:
        """Comments until there is an event; returns without one when the stream has to end."""
        loop = asyncio.get_running_loop()
        while not await wait_for(notified, min(ends, loop.time() + KEEP_ALIVE)):
            if loop.time() >= ends or not await self._is_authenticated():
                return
            yield b": keep-alive\n\n"

    async def _is_authenticated(self) -> bool:
        try:
            await run_in_threadpool(self._authenticator.authenticate, self._token)
        except Unauthenticated:
            return False
        return True

    async def _look(self, after: int) -> tuple[OrderView, list[EventView]]:
        # The order is read first: once it is closed, no event follows.
        order = await run_in_threadpool(self._orders.get, self._order_id, self._buyer)
        events: Sequence[EventView] = await run_in_threadpool(self._orders.events, self._order_id, self._buyer, after)
        return order, list(events)


def _frame(data: str, *, name: str | None = None, id_: int | None = None) -> bytes:
    lines = [f"event: {name}"] if name else []
    lines += [f"id: {id_}"] if id_ is not None else []
    return "\n".join([*lines, f"data: {data}", "", ""]).encode()
