"""Limits of connections: how many one client may have, and how long it may leave a response unread."""

from __future__ import annotations

import asyncio
from collections import Counter

from api.requests.client_address import TrustedProxies, host_of

#: Connections of one client address.
MAX_CONNECTIONS = 64
#: Seconds between two checks of a connection, and how many checks in a row it may fail.
CHECK_SECONDS = 5.0
MAX_STALLED = 3


class ConnectionCounts:
    """The open connections of each client address; proxies, which have those of many clients, are not counted."""

    def __init__(self, proxies: TrustedProxies, factor: float) -> None:
        """`factor`: RATE_LIMIT_FACTOR."""
        self._proxies, self._most = proxies, MAX_CONNECTIONS * factor
        self._open: Counter[str] = Counter()

    def add(self, client: tuple[str, int] | None) -> bool:
        """Count a connection; whether the client may have it. `remove` it in any case."""
        if client is None or self._proxies.trusts(client[0]):
            return True
        host = host_of(client[0])
        self._open[host] += 1
        return self._open[host] <= self._most

    def remove(self, client: tuple[str, int] | None) -> None:
        """A counted connection has ended."""
        if client is None or self._proxies.trusts(client[0]):
            return
        host = host_of(client[0])
        self._open[host] -= 1
        if not self._open[host]:
            del self._open[host]


class WriteWatch:
    """Aborts a connection whose client reads nothing of a response that the kernel does not hold for it.

    Also after it was closed: a transport keeps its buffer until the client has read it.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._unread = self._stalled = 0
        self._timer = loop.call_later(CHECK_SECONDS, self._check)

    def resumed(self) -> None:
        """The client has read so much that the application may write again."""
        self._unread = self._stalled = 0

    def stop(self) -> None:
        """The connection is lost."""
        self._timer.cancel()

    def _check(self) -> None:
        before, self._unread = self._unread, self._transport.get_write_buffer_size()
        self._stalled = self._stalled + 1 if 0 < before <= self._unread else 0
        if self._stalled >= MAX_STALLED:
            self._transport.abort()
        else:
            self._timer = self._loop.call_later(CHECK_SECONDS, self._check)
