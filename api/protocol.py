"""HTTP/1.1 with two limits that uvicorn lacks: the size of a request head and the time to receive a request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of request line and headers; a longer head gets 431.
MAX_HEAD = 16 * 1024
#: Seconds to receive a request with its body; then the connection is closed.
RECEIVE_SECONDS = 10

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 24\r\nconnection: close\r\n\r\n"
    b"Request head too large.\n"
)


class HeadTooLarge(Exception):
    """Request line and headers exceed MAX_HEAD."""


class BoundedProtocol(HttpToolsProtocol):
    """The protocol of one connection."""

    _head = 0
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the timer: a connection without a request is closed as well."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of an unfinished head, which the parser would buffer without limit."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """Start counting a new head."""
        super().on_message_begin()
        self._head, self._in_head = 0, True
        if self._timer is None:
            self._start_timer()

    def on_headers_complete(self) -> None:
        """Check the size of the complete head. Raises HeadTooLarge, which ends the parsing."""
        self._head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        self._in_head = False
        if self._head > MAX_HEAD:
            raise HeadTooLarge
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the timer: the request is complete."""
        self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Send 431 for a head that is too large, else uvicorn's 400 for malformed HTTP."""
        if self._head <= MAX_HEAD:
            super().send_400_response(msg)
            return
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(RECEIVE_SECONDS, self._close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if self.flow.read_paused:
            # Reading is paused by this process: it still answers an earlier request of this connection.
            self._start_timer()
        else:
            self.transport.abort()
