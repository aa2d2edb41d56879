"""HTTP/1.1 with bounds that the server itself does not have: the size of a head, and the time to receive a request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Request line and headers together, in bytes; beyond it 431.
MAX_HEAD = 16 * 1024
#: Seconds in which a request must have arrived, its body too; then the connection is cut.
RECEIVE_SECONDS = 10

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 24\r\nconnection: close\r\n\r\n"
    b"Request head too large.\n"
)


class HeadTooLarge(Exception):
    """Request line and headers are beyond the limit."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _head = 0
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The clock runs from here: a connection that says nothing is cut as well."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is expected."""
        self._relax()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to an unfinished head: the parser would keep it without end."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head, self._in_head = 0, True
        if self._timer is None:
            self._expect()

    def on_headers_complete(self) -> None:
        """The head is complete, maybe in one piece. Raises HeadTooLarge, which ends the parsing."""
        self._head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        self._in_head = False
        if self._head > MAX_HEAD:
            raise HeadTooLarge
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of the request is here."""
        self._relax()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """431 where the head was too large, else what the server says of broken HTTP."""
        if self._head <= MAX_HEAD:
            super().send_400_response(msg)
            return
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _expect(self) -> None:
        self._timer = self.loop.call_later(RECEIVE_SECONDS, self._cut)

    def _relax(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        self._timer = None
        if self.flow.read_paused:
            # It is we who do not read: an earlier request of this connection is still being answered.
            self._expect()
        else:
            self.transport.abort()
