"""Server-sent events of one order: its state, missed events, then new events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import lru_cache
from uuid import UUID

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from api.dependencies import owner
from api.orders import presenters
from api.orders.streams import OpenStream, OrderStreams, Seen, Viewer
from api.orders.waiting import LongPolling, wait_for
from services.orders.status import FOR_OPERATORS
from services.orders.views import EventView

#: Seconds; a browser reconnects by itself, with a fresh token.
LONGEST = 600
#: Seconds without an event before a comment is sent.
KEEP_ALIVE = 15


class OrderStream(StreamingResponse):
    """The stream of one client, which may see the order; 204 when it has all of a closed order.

    It counts from its first look to its end. Sending it raises NotFound, RateLimited or Unavailable before the first
    byte.
    """

    def __init__(
        self, streams: OrderStreams, long_polling: LongPolling, order_id: UUID, viewer: Viewer, last_id: int | None
    ) -> None:
        """`last_id`: the last event that the client received (Last-Event-ID), None the first time."""
        super().__init__((), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._streams, self._long_polling, self._order_id = streams, long_polling, order_id
        self._viewer, self._last_id = viewer, last_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it until it ends, or the client leaves."""
        with (
            self._long_polling.listening(self._order_id) as notified,
            self._streams.opened(self._order_id, self._viewer, notified) as stream,
        ):
            seen = await self._streams.look(self._order_id)
            if self._last_id is not None and seen.order.closed and not self._missed(seen):
                await Response(status_code=204)(scope, receive, send)
            else:
                self.body_iterator = self._frames(stream, seen)
                await super().__call__(scope, receive, send)

    async def _frames(self, stream: OpenStream, seen: Seen) -> AsyncIterator[bytes]:
        ends = asyncio.get_running_loop().time() + LONGEST
        yield self._state(seen)
        while not stream.ended:
            for event in self._missed(seen):
                self._last_id = event.id
                yield _event(event)
            if seen.order.closed or self._long_polling.draining:
                return
            async for comment in _keep_alive(stream.notified, ends):
                yield comment
            if not stream.notified.is_set():
                return
            stream.notified.clear()
            seen = await self._streams.look(self._order_id)

    def _state(self, seen: Seen) -> bytes:
        """The present state. A new client continues from here; a reconnected one is sent the events it missed."""
        state: dict[str, object] = {"orderId": str(seen.order.id), "status": seen.order.status}
        if owner(self._viewer.caller) is None:
            state["needsAttention"] = seen.order.needs_attention
        if self._last_id is not None:
            return _frame(json.dumps(state), name="state")
        missed = self._missed(seen)
        self._last_id = missed[-1].id if missed else 0
        return _frame(json.dumps(state), name="state", id_=self._last_id)

    def _missed(self, seen: Seen) -> list[EventView]:
        """The events after the last one, without those that a buyer does not see."""
        hidden = FOR_OPERATORS if owner(self._viewer.caller) else ()
        return [event for event in seen.events if event.id > (self._last_id or 0) and event.type not in hidden]


async def _keep_alive(notified: asyncio.Event, ends: float) -> AsyncIterator[bytes]:
    """Comments until there is an event; returns without one when the stream has lasted long enough."""
    loop = asyncio.get_running_loop()
    while not await wait_for(notified, min(ends, loop.time() + KEEP_ALIVE)):
        if loop.time() >= ends:
            return
        yield b": keep-alive\n\n"


@lru_cache(256)  # an event is sent to all streams of its order at about the same time
def _event(event: EventView) -> bytes:
    return _frame(presenters.event(event).model_dump_json(by_alias=True, exclude_unset=True), id_=event.id)


def _frame(data: str, *, name: str | None = None, id_: int | None = None) -> bytes:
    lines = [f"event: {name}"] if name else []
    lines += [f"id: {id_}"] if id_ is not None else []
    return "\n".join([*lines, f"data: {data}", "", ""]).encode()
