"""A TCP proxy that delays or holds what passes through it, loses one response, or cuts all connections."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
CHUNK = 2**16
#: The message by which a client of PostgreSQL asks for TLS.
SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])
#: Seconds after which held bytes look again whether they may pass.
HELD_CHECK = 0.05


class TcpProxy:
    """Forwards connections to one server on this machine, in a thread of its own."""

    def __init__(self, server: str, tls: ssl.SSLContext | None = None) -> None:
        """`server`: a URL or `host:port`; `tls`: clients must use TLS, which ends here; `running` starts the proxy."""
        self._tls = tls
        self._given = server
        self._server = urlsplit(server if "://" in server else f"//{server}")
        self._ports: list[int] = []
        self._connections: set[asyncio.Task[None]] = set()
        #: seconds that every chunk of bytes takes longer, in each direction
        self.delay = 0.0
        #: True: nothing passes, and no connection is closed, as in a network partition
        self.held = False
        self._until_loss = 0
        self._lost = threading.Event()
        self._cut = False
        #: how many connections were cut
        self.closed = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def address(self) -> str:
        """What was given for the server, with the address of the proxy instead."""
        return self._given.replace(f"{self._server.hostname}:{self._server.port}", f"{LOOPBACK}:{self._ports[-1]}")

    def lose_response(self, number: int) -> None:
        """Lose the response to a request from now on, 1 being the next and 0 none, and close its connection.

        The server has processed the request by then. A request is what a client sends at once.
        """
        self._lost.clear()
        self._until_loss = number

    @property
    def lost(self) -> bool:
        """Whether the response was lost."""
        return self._lost.is_set()

    @property
    def connected(self) -> bool:
        """Whether a client has a connection."""
        return bool(self._connections)

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Close all connections, and every new one at once, during the block."""
        self._cut = True
        if self._loop:
            self._loop.call_soon_threadsafe(self._close_all)
        try:
            yield
        finally:
            self._cut = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Accept connections during the block."""
        started, ends = threading.Event(), threading.Event()
        thread = threading.Thread(target=asyncio.run, args=(self._serve(started, ends),), name="tcp-proxy")
        thread.start()
        try:
            assert started.wait(10)
            yield
        finally:
            ends.set()
            thread.join()

    async def _serve(self, started: threading.Event, ends: threading.Event) -> None:
        server = await asyncio.start_server(self._accept, LOOPBACK, 0, ssl=self._tls)
        self._ports.append(server.sockets[0].getsockname()[1])
        self._loop = asyncio.get_running_loop()
        started.set()
        await asyncio.to_thread(ends.wait)
        server.close()
        self._close_all()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _close_all(self) -> None:
        self.closed += len(self._connections)
        for each in self._connections:
            each.cancel()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self._cut:
            writer.close()
            return
        connection = asyncio.create_task(self._forward(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _forward(self, reader: StreamReader, writer: StreamWriter) -> None:
        async with _closing(writer):
            try:
                server_reader, server_writer = await asyncio.open_connection(self._server.hostname, self._server.port)
            except OSError:
                return  # the server is away: its client sees a closed connection
            async with _closing(server_writer):
                losing = asyncio.Event()
                directions = (
                    asyncio.create_task(self._requests(reader, server_writer, losing)),
                    asyncio.create_task(self._responses(server_reader, writer, losing)),
                )
                try:
                    await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for each in directions:
                        each.cancel()
                    await asyncio.gather(*directions, return_exceptions=True)

    async def _requests(self, reader: StreamReader, server: StreamWriter, losing: asyncio.Event) -> None:
        while request := await reader.read(CHUNK):
            self._until_loss -= 1
            if self._until_loss == 0:
                losing.set()
            await self._pass_on(request, server)

    async def _responses(self, reader: StreamReader, client: StreamWriter, losing: asyncio.Event) -> None:
        while response := await reader.read(CHUNK):
            if losing.is_set():
                self._lost.set()
                return
            await self._pass_on(response, client)

    async def _pass_on(self, chunk: bytes, to: StreamWriter) -> None:
        await asyncio.sleep(self.delay)
        while self.held:
            await asyncio.sleep(HELD_CHECK)
        to.write(chunk)
        await to.drain()


class PostgresTlsProxy(TcpProxy):
    """Ends the TLS of PostgreSQL's clients, which ask for it in the protocol; without it they are disconnected."""

    def __init__(self, server: str, context: ssl.SSLContext) -> None:
        super().__init__(server)
        self._context = context

    async def _forward(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST:
                writer.close()
                return
            writer.write(b"S")
            await writer.start_tls(self._context)
        except (OSError, EOFError):
            writer.close()  # the client does not accept the certificate
            return
        await super()._forward(reader, writer)


@asynccontextmanager
async def _closing(writer: StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
