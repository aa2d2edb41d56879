"""The HTTP client of the webhooks reuses connections and reports every kind of failure as OSError."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from sandbox.standins.provider import webhook_client
from sandbox.standins.provider.webhook_client import WebhookClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Receiver:
    """A server on its own port that gives the same response to each request, or closes the connection instead."""

    def __init__(self) -> None:
        self.response = OK
        self.closes = False
        self.connections = 0
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await self._head(reader):
            self.requests.append(
                head + await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split()[0]))
            )
            writer.write(self.response)
            if self.closes:
                break
        writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return b""


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def url(receiver: Receiver) -> AsyncIterator[str]:
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks?shop=1"


@pytest.fixture
def client() -> Iterator[WebhookClient]:
    client = WebhookClient()
    yield client
    client.close()


async def test_several_webhooks_use_one_connection(client: WebhookClient, receiver: Receiver, url: str) -> None:
    assert [await client.post(url, b"{}", {}) for _ in range(3)] == [200, 200, 200]

    assert (receiver.connections, len(receiver.requests)) == (1, 3)


async def test_concurrent_webhooks_have_a_connection_each(client: WebhookClient, receiver: Receiver, url: str) -> None:
    await asyncio.gather(*(client.post(url, b"{}", {}) for _ in range(3)))
    await asyncio.gather(*(client.post(url, b"{}", {}) for _ in range(3)))

    assert (receiver.connections, len(receiver.requests)) == (3, 6)


async def test_request_has_the_path_the_headers_and_the_body(
    client: WebhookClient, receiver: Receiver, url: str
) -> None:
    await client.post(url, b'{"id": 1}', {"webhook-id": "msg_1"})
    (request,) = receiver.requests

    assert request.startswith(b"POST /webhooks?shop=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nContent-Type: application/json\r\nwebhook-id: msg_1\r\nContent-Length: 9\r\n\r\n" in request
    assert request.endswith(b'{"id": 1}')


@pytest.mark.parametrize(
    "response", [OK.replace(b"200 OK", b"200 OK\r\nConnection: close"), b"HTTP/1.0 200 OK\r\n\r\n{}"]
)
async def test_closed_connection_is_replaced(
    client: WebhookClient, receiver: Receiver, url: str, response: bytes
) -> None:
    receiver.response, receiver.closes = response, True

    assert [await client.post(url, b"{}", {}) for _ in range(2)] == [200, 200]
    assert receiver.connections == 2


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 2", b"220 sandbox\r\n"])
async def test_incomplete_or_invalid_response_is_an_error(
    client: WebhookClient, receiver: Receiver, url: str, response: bytes
) -> None:
    receiver.response, receiver.closes = response, True

    with pytest.raises(ConnectionResetError):
        await client.post(url, b"{}", {})


async def test_refused_connection_is_an_error(client: WebhookClient) -> None:
    with pytest.raises(ConnectionRefusedError):
        await client.post("http://127.0.0.1:1/webhooks", b"{}", {})


async def test_missing_response_is_a_timeout(
    client: WebhookClient, receiver: Receiver, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_client, "TIMEOUT", 0.05)
    receiver.response = b""

    with pytest.raises(TimeoutError):
        await client.post(url, b"{}", {})
