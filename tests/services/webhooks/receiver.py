"""A receiver of webhooks: a real HTTP server whose answers a test chooses, on the loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """What was received; `answers` are used one after the other, the last one for ever."""

    port: int
    answers: list[Answering]
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks"

    async def has(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        async with asyncio.timeout(10):
            while len(self.received) < count:
                self.arrived.clear()
                await self.arrived.wait()

    def next_answer(self) -> Answering:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def status(code: int, *headers: str, body: bytes = b"") -> Answering:
    """A whole answer."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {code} Answer", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


async def hang(_: asyncio.StreamWriter) -> None:
    """No answer at all, until the other side gives up."""
    await asyncio.Event().wait()


async def cut(writer: asyncio.StreamWriter) -> None:
    """The connection ends without an answer."""
    writer.transport.abort()


async def nonsense(writer: asyncio.StreamWriter) -> None:
    """Something that is not HTTP."""
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A head that never ends, a byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(writer: asyncio.StreamWriter) -> None:
    """A good status and a body that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    while True:
        writer.write(chunk)
        await writer.drain()


@asynccontextmanager
async def receiving(*answers: Answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port; it ends with the block, whatever it is doing."""
    receiver = Receiver(0, list(answers) or [status(204)], "https" if tls else "http")
    tasks = set[asyncio.Task[None]]()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(receiver, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(receiver: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await _exchange(receiver, reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError, ssl.SSLError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1)


async def _exchange(receiver: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(_headers(head[1:]))
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        receiver.received.append(Received(head[0].split(" ")[1], headers, body))
        receiver.at_once += 1
        receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
        receiver.arrived.set()
        try:
            await _answer_or_eof(receiver.next_answer(), reader, writer)
        finally:
            receiver.at_once -= 1


async def _answer_or_eof(answer: Answering, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    answering, gone = asyncio.ensure_future(answer(writer)), asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answering.result()
    finally:
        for each in (answering, gone):
            each.cancel()
        await asyncio.gather(answering, gone, return_exceptions=True)


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()
