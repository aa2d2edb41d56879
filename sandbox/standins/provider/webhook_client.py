"""HTTP client of the webhooks: keeps connections alive and reads nothing of a response but its status.

httpx2 needs 30 times as much CPU for a request (measured), which was the largest cost of a payment in the stand-ins.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import cast
from urllib.parse import SplitResult, urlsplit

import httptools

# Seconds for the whole exchange.
TIMEOUT = 10.0
PORTS = {"http": 80, "https": 443}


class Connection(asyncio.Protocol):
    """A connection that carries one request at a time; the methods that httptools calls have its names."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status: asyncio.Future[int] | None = None
        self._has_headers = False

    async def request(self, message: bytes) -> int:
        """Send a request and return the status of its response. Raises OSError."""
        self._has_headers = False
        self._status = asyncio.get_running_loop().create_future()
        self.transport.write(message)
        return await self._status

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # cast, not isinstance: uvloop's transports do not inherit from asyncio's classes
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse a part of the response."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Note that the status is known: a response of HTTP/1.0 may end with the connection."""
        self._has_headers = True

    def on_message_complete(self) -> None:
        """Return the status to the caller."""
        if not self._parser.should_keep_alive():
            self.transport.close()
        self._finish()

    def connection_lost(self, _error: Exception | None) -> None:
        """End a request that has no complete response."""
        self._finish()

    def _finish(self) -> None:
        if self._status is None or self._status.done():
            return
        if self._has_headers:
            self._status.set_result(self._parser.get_status_code())
        else:
            self._status.set_exception(ConnectionResetError("the connection was closed without a response"))


class WebhookClient:
    """Sends POST requests; a connection is used again by later requests to the same server."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[Connection]] = defaultdict(list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send JSON and return the status of the response. Raises OSError, of which TimeoutError is a kind."""
        parts = urlsplit(url)
        async with asyncio.timeout(TIMEOUT):
            connection = await self._connection(parts)
            try:
                status = await connection.request(_message(parts, body, headers))
            except BaseException:
                connection.transport.abort()
                raise
        if not connection.transport.is_closing():
            self._idle[parts.scheme, parts.netloc].append(connection)
        return status

    async def _connection(self, parts: SplitResult) -> Connection:
        idle = self._idle[parts.scheme, parts.netloc]
        while idle:
            if not (connection := idle.pop()).transport.is_closing():
                return connection
        host, port, tls = parts.hostname or "", parts.port or PORTS[parts.scheme], parts.scheme == "https" or None
        return (await asyncio.get_running_loop().create_connection(Connection, host, port, ssl=tls))[1]

    def close(self) -> None:
        """Close the idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.transport.close()


def _message(parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    standard = {"Host": parts.netloc.rpartition("@")[2], "Content-Type": "application/json"}
    fields = {**standard, **headers, "Content-Length": str(len(body))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + body
