"""The open streams of one process: how many there may be, one look at an order for all its streams, and their ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Protocol
from uuid import UUID

import structlog
from fastapi import Depends, Request

from api.access.callers import name_of
from api.access.handler_threads import in_thread
from api.state import state_of
from services.errors import MarketError, RateLimited, Unavailable
from services.identity.views import Caller
from services.orders.service import OrderService
from services.orders.views import EventView, OrderView

#: Streams of one process (2,000 take about 85 MiB), of one account, and of all minted tokens of one name.
MAX_STREAMS = 2000
MAX_OF_ACCOUNT = 20
MAX_OF_NAME = 500
#: Seconds between two checks of the callers of all streams, and the longest pause after checks that failed.
CHECK_SECONDS = 1.0
LONGEST_PAUSE = 8.0


class Authenticator(Protocol):
    """Checks access tokens."""

    def ended(self, tokens: Collection[str]) -> set[str]:
        """Those of the tokens that authenticate nobody any more."""


@dataclass(frozen=True)
class Viewer:
    """Who has a stream: the caller, and the token that must stay valid."""

    caller: Caller
    token: str = field(repr=False)


@dataclass(frozen=True)
class Seen:
    """An order, and all entries of its timeline."""

    order: OrderView
    events: Sequence[EventView]


@dataclass(eq=False)
class OpenStream:
    """A stream that counts; it is notified when its caller may not have it any more."""

    order_id: UUID
    viewer: Viewer
    notified: asyncio.Event
    ended: bool = False


class OrderStreams:
    """Counts the open streams, reads for them, and ends those whose callers may not have them any more."""

    def __init__(self, orders: OrderService, authenticator: Authenticator) -> None:
        self._orders, self._authenticator = orders, authenticator
        self._streams: dict[UUID, set[OpenStream]] = {}
        self._counts: Counter[str] = Counter()
        # By order: the look that is running, and the one that begins when it has ended.
        self._running: dict[UUID, asyncio.Task[Seen]] = {}
        self._next: dict[UUID, asyncio.Task[Seen]] = {}
        self._checks: asyncio.Task[None] | None = None

    @property
    def accounts(self) -> int:
        """The number of accounts and minted tokens' names that have a stream."""
        return len(self._counts)

    @contextmanager
    def opened(self, order_id: UUID, viewer: Viewer, notified: asyncio.Event) -> Iterator[OpenStream]:
        """Count a stream while it is open.

        Raises RateLimited when the caller has too many, Unavailable when the process has.
        """
        name = name_of(viewer.caller)
        if self._counts.total() >= MAX_STREAMS:
            raise Unavailable("Too many streams are open. Request the events as JSON.", retry_after=30)
        if self._counts[name] >= (MAX_OF_ACCOUNT if viewer.caller.user_id else MAX_OF_NAME):
            raise RateLimited(
                "Too many of your streams are open. Close one, or request the events as JSON.", retry_after=30
            )
        stream = OpenStream(order_id, viewer, notified)
        self._counts[name] += 1
        self._streams.setdefault(order_id, set()).add(stream)
        if self._checks is None or self._checks.done():
            self._checks = asyncio.create_task(self._check_all())
        try:
            yield stream
        finally:
            self._counts[name] -= 1
            if not self._counts[name]:
                del self._counts[name]  # else every account that ever had a stream stays
            self._streams[order_id].discard(stream)
            if not self._streams[order_id]:
                del self._streams[order_id]

    async def look(self, order_id: UUID) -> Seen:
        """The order as it is after this call, read once for all who ask meanwhile; ends streams as `_end` does.

        Raises NotFound, Unavailable.
        """
        following = self._next.get(order_id)
        if following is None:
            following = asyncio.create_task(self._look_after(order_id, self._running.get(order_id)))
            self._next[order_id] = following
        return await asyncio.shield(following)

    def close(self) -> None:
        """End the checks."""
        if self._checks is not None:
            self._checks.cancel()

    async def _look_after(self, order_id: UUID, running: asyncio.Task[Seen] | None) -> Seen:
        if running is not None:
            await asyncio.wait([running])
        self._running[order_id] = this = self._next.pop(order_id)
        try:
            streams = list(self._streams.get(order_id, ()))
            seen, ended = await in_thread(partial(self._read, order_id, _tokens(streams)))
        finally:
            if self._running.get(order_id) is this:
                del self._running[order_id]
        _end(streams, ended)
        return seen

    def _read(self, order_id: UUID, tokens: Collection[str]) -> tuple[Seen, set[str]]:
        # The order is read first: once it is closed, no event follows.
        order = self._orders.get(order_id)
        return Seen(order, self._orders.events(order_id)), self._authenticator.ended(tokens)

    async def _check_all(self) -> None:
        """While there are streams, end those whose tokens are no longer valid, for any reason."""
        pause = CHECK_SECONDS
        while self._streams:
            await asyncio.sleep(pause)
            streams = [stream for of_order in self._streams.values() for stream in of_order]
            try:
                ended = await in_thread(partial(self._authenticator.ended, _tokens(streams)))
            except MarketError as error:
                structlog.get_logger().warning("streams.not_checked", error=type(error).__name__)
            except Exception:  # without the checks, streams of ended sessions would go on
                structlog.get_logger().exception("streams.check_failed")
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                pause = CHECK_SECONDS
                _end(streams, ended)


def _tokens(streams: Collection[OpenStream]) -> set[str]:
    return {stream.viewer.token for stream in streams}


def _end(streams: Collection[OpenStream], tokens: Collection[str]) -> None:
    """End the streams with one of these tokens."""
    for stream in streams:
        if stream.viewer.token in tokens:
            stream.ended = True
            stream.notified.set()


async def _order_streams(request: Request) -> OrderStreams:
    return state_of(request.app).order_streams


Streams = Annotated[OrderStreams, Depends(_order_streams)]
