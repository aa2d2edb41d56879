"""HTTP/1.1 with the limits that uvicorn lacks: sizes of head and trailers, times to send and to read, and `Host`."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.connection_limits import ConnectionCounts, WriteWatch
from api.shutdown import Shutdown

#: Bytes of request line, headers and trailers; more get 431.
MAX_HEAD = 16 * 1024
#: Bytes of one request as sent, with the sizes of its chunks and a body that is received after the response.
MAX_MESSAGE = 4 * 1024 * 1024
#: Chunks of one request: each costs time, however small it is.
MAX_CHUNKS = 4096
#: Requests that wait for the responses to earlier ones on their connection; it is closed after those responses.
MAX_PIPELINED = 16
#: Seconds to receive a request with its body; then the connection is closed.
RECEIVE_SECONDS = 10

# A name or an address with an optional port (RFC 9110, section 7.2), or nothing.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(?::[0-9]*)?")


def _refusal(status: bytes, text: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status, len(text)) + text


_MALFORMED = _refusal(b"400 Bad Request", b"Invalid HTTP request received.")
_WRONG_HOST = _refusal(b"400 Bad Request", b"A request has one valid Host header.\n")
_TOO_LARGE = _refusal(b"431 Request Header Fields Too Large", b"Request head too large.\n")
_TOO_MANY = _refusal(b"429 Too Many Requests", b"Too many connections from this address.\n")


class Refused(Exception):
    """Ends the parsing; `response` is sent before the connection is closed."""

    def __init__(self, response: bytes = b"") -> None:
        super().__init__()
        self.response = response


class BoundedProtocol(HttpToolsProtocol):
    """The protocol of one connection.

    Trailers are dropped: httptools reports them like headers, and uvicorn would add them to those.
    """

    #: the connections of each client; None: not counted
    counts: ConnectionCounts | None = None
    #: once it has begun, each response is the last one of its connection
    shutting_down = Shutdown()

    # Where the parser is: in a head, or maybe in trailers (after the size of a chunk, until its bytes).
    _in_message = _in_head = _in_trailers = False
    # How many sections began on this connection: a head is one, and so are possible trailers.
    _sections = 0
    # Bytes: of complete lines of head and trailers; the same with an unfinished line; of the request as sent.
    _head = _unfinished = _received = 0
    _chunks = 0
    # The head of a request that asks for another protocol, without that; then it is parsed again.
    _again = b""
    _timer: asyncio.TimerHandle | None = None
    # The request whose head is complete and whose body arrives.
    _current: RequestResponseCycle | None = None
    # The request that is being answered, or was last.
    _responding: RequestResponseCycle | None = None
    # Nothing is parsed any more; this is sent after the responses to earlier requests.
    _refused = False
    _refusal = b""

    def connection_made(self, transport: Any) -> None:
        """Start the timer: a connection without a request is closed as well."""
        super().connection_made(transport)
        self._watch = WriteWatch(transport, self.loop)
        if self.counts is not None and not self.counts.add(self.client):
            self._refuse(_TOO_MANY)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and tell every request of this connection."""
        self._stop_timer()
        self._watch.stop()
        if self.counts is not None:
            self.counts.remove(self.client)
        self.pipeline.clear()
        self._disconnect(self._responding)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and bound what the parser buffers: an unfinished line of a head or of trailers."""
        if self._refused:
            return
        sections, idle = self._sections, not self._in_message
        try:
            self._parse(data)
            self._received += len(data)
            if self._in_head or self._in_trailers:
                # A section that began in this segment after something else is counted from the next segment on.
                whole = self._sections == sections or (self._sections == sections + 1 and idle)
                self._unfinished += len(data) if whole else 0
            if self._unfinished > MAX_HEAD:
                raise Refused(_TOO_LARGE)
            if self._in_message and self._received > MAX_MESSAGE:
                raise Refused(_MALFORMED)
        except Refused as refused:
            self._refuse(refused.response)
        except httptools.HttpParserError as error:
            # What a callback raised is the context of the parser's error.
            cause = error.__context__
            self._refuse(cause.response if isinstance(cause, Refused) else _MALFORMED)

    def _parse(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # The parser takes the body of such a request for the other protocol, and what follows it for a request.
                data, self._again = self._again + data[upgrade.args[0] :], b""
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            else:
                return

    def on_message_begin(self) -> None:
        """Start counting a new request, and its time; blank lines before it neither begin it nor prolong a wait."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise Refused
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_message = self._in_head = True
        self._current, self._head, self._received, self._chunks = None, 0, 0, 0
        self._begin_section()
        self._start_timer()

    def on_url(self, url: bytes) -> None:
        """Count the request target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a line; only one of the head is a header."""
        self._count(len(name) + len(value) + 4)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Check the complete head, and start the request."""
        self._in_head = False
        self._require_host()
        if self.parser.should_upgrade():
            self._again = self._head_without_upgrade()
        else:
            super().on_headers_complete()
            self._current = self.cycle

    def on_chunk_header(self) -> None:
        """After the size of the last chunk there are trailers; which is the last is not known yet."""
        self._in_trailers = True
        self._begin_section()
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            raise Refused(_MALFORMED)

    def on_body(self, body: bytes) -> None:
        """Bytes of a chunk: it was not the last one."""
        self._in_trailers = False
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """The end of a chunk, or of the trailers."""
        self._in_trailers = False

    def on_message_complete(self) -> None:
        """Stop the timer: the request is complete."""
        if not self._again:
            self._in_message, self._current = False, None
            self._stop_timer()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the next request; send the refusal of what came after the last one."""
        super().on_response_complete()
        if self._in_message:
            self._unset_keepalive_if_required()  # the timer of the request runs
        if self._refused and self._unanswered() is None and not self.transport.is_closing():
            self._end()

    def resume_writing(self) -> None:
        """The client has read what was written."""
        self._watch.resumed()
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._responding = cycle
        if self.shutting_down.begun:
            cycle.keep_alive = False  # the response says so
        super()._start_asgi_task(cycle, app)

    def _begin_section(self) -> None:
        self._sections += 1
        self._unfinished = self._head

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD:
            raise Refused(_TOO_LARGE)

    def _require_host(self) -> None:
        """RFC 9112, section 3.2. Raises Refused."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or not (hosts or self.parser.get_http_version() == "1.0"):
            raise Refused(_WRONG_HOST)
        if hosts and not _HOST.fullmatch(hosts[0]):
            raise Refused(_WRONG_HOST)

    def _head_without_upgrade(self) -> bytes:
        """RFC 9110, section 7.8: a server may ignore `Upgrade`. Raises Refused for CONNECT."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise Refused(_MALFORMED)
        kept = (b"%b: %b\r\n" % line for line in self.headers if line[0] != b"upgrade")
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(kept))

    def _refuse(self, response: bytes) -> None:
        """Parse nothing more, and close the connection once the complete requests are answered."""
        self._refused, self._refusal = True, response
        self._stop_timer()
        if self._current is not None:
            self._drop(self._current)
        unanswered = self._unanswered()
        if unanswered is None:
            self._end()
        elif not response:
            last = self.pipeline[0][0] if self.pipeline else unanswered
            last.keep_alive = False  # its response says that the connection is closed

    def _drop(self, cycle: RequestResponseCycle) -> None:
        """Give up a request that is broken after its head; without a refusal when it was answered before."""
        if cycle is self._responding:
            if cycle.response_started:
                self._refusal = b""
            self._disconnect(cycle)
        else:
            self.pipeline.popleft()  # it is the last one that waits

    def _disconnect(self, cycle: RequestResponseCycle | None) -> None:
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _unanswered(self) -> RequestResponseCycle | None:
        """The request that is being answered."""
        cycle = self._responding
        return cycle if cycle is not None and not cycle.response_complete and not cycle.disconnected else None

    def _end(self) -> None:
        if self._refusal:
            self.logger.warning("Connection closed: %s", self._refusal.partition(b"\r\n")[0].decode())
            self.transport.write(self._refusal)
        self.transport.close()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(RECEIVE_SECONDS, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        if self.flow.read_paused:
            # Reading is paused by this process: it still answers an earlier request of this connection.
            self._start_timer()
        elif self._unanswered() is not None and self._current is not self._responding:
            self._refuse(b"")
        else:
            self.transport.abort()
