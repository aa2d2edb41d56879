"""HTTP exchanges over real sockets: broken, slow and hostile servers make the outcome unknown within the deadline."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from services.clock import new_id
from services.payments.gateway import GatewayUnavailable, GatewayUnknown, ProviderPayment
from services.payments.yookassa.gateway import YooKassa
from services.payments.yookassa.method_rules import any_amount_methods
from tests.services.payments.conftest import a_charge

Handler = Callable[[socket.socket], None]


def charge(gateway: YooKassa, within: float = 1) -> ProviderPayment:
    return gateway.charge(new_id(), a_charge(), within=within)


class RawServer:
    """A server on a raw socket that passes each connection to a handler."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v3"
        self.gateway = YooKassa(self.url, "1", "key", any_amount_methods(1, 1))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65536))
                try:
                    self._handle(connection)
                except OSError:
                    continue

    def close(self) -> None:
        self.gateway.close()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], RawServer]]:
    servers: list[RawServer] = []

    def start(handle: Handler) -> RawServer:
        servers.append(RawServer(handle))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _wait(connection: socket.socket) -> None:
    while connection.recv(4096):
        continue


def _drip(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000:
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.02)


def _huge(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(64):
        connection.sendall(b" " * 65536)


BROKEN: dict[str, Handler] = {
    "reset": _reset,
    "empty": lambda _: None,
    "no http": lambda connection: connection.sendall(b"hello\r\n\r\n"),
    "truncated": lambda connection: connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"id": "p'),
    "no json": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"),
    "zipped": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n{} "),
    "silent": _wait,
    "dripping": _drip,
    "huge": _huge,
}


@pytest.mark.parametrize("how", BROKEN)
def test_F39_a_broken_response_is_unknown_within_the_deadline(serve: Callable[[Handler], RawServer], how: str) -> None:
    broken = serve(BROKEN[how])
    began = time.monotonic()
    with pytest.raises(GatewayUnknown):
        charge(broken.gateway, within=0.6)
    assert time.monotonic() - began < 1.5
    assert len(broken.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_T91_redirects_are_not_followed(serve: Callable[[Handler], RawServer], status: int) -> None:
    other = serve(lambda _: None)
    location = other.url.encode()

    def redirect(connection: socket.socket) -> None:
        head = b"HTTP/1.1 %d Moved\r\nLocation: %b/payments\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head % (status, location))

    redirecting = serve(redirect)
    with pytest.raises(GatewayUnknown):
        charge(redirecting.gateway)
    assert (len(redirecting.requests), other.requests) == (1, [])


def test_nothing_is_sent_after_the_deadline(serve: Callable[[Handler], RawServer]) -> None:
    waiting = serve(lambda _: None)
    with pytest.raises(GatewayUnavailable):
        charge(waiting.gateway, within=0)
    assert waiting.requests == []


def test_a_closed_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gateway = YooKassa(f"http://127.0.0.1:{port}/v3", "1", "key", any_amount_methods(1, 1))
    with pytest.raises(GatewayUnavailable):
        charge(gateway)
    gateway.close()
