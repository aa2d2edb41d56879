"""A name server for the load balancer of deploy/, which finds processes as Docker's DNS finds containers."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from sandbox.ports import LOOPBACK

_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!3HIH")
#: A response of an authoritative server; the same, when there is no such name (RFC 1035, section 4.1.1).
_ANSWER, _NO_SUCH_NAME = 0x8400, 0x8403
_A, _INTERNET = 1, 1
#: The name in a record: that of the question, which begins after the header.
_SAME_NAME = 0xC000 | _HEADER.size
_TTL = 1


class NameServer:
    """Serves UDP on a port of the loopback address while it is open; `addresses` may be changed meanwhile."""

    def __init__(self, addresses: Mapping[str, Sequence[str]]) -> None:
        self.addresses = dict(addresses)
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, name="names", daemon=True)

    @property
    def address(self) -> str:
        """`host:port`."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        self._socket.bind((LOOPBACK, 0))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as own:
            own.sendto(b"", self._socket.getsockname())  # ends the thread
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            if len(query) > _HEADER.size:
                self._socket.sendto(answer(query, self.addresses), client)


def answer(query: bytes, addresses: Mapping[str, Sequence[str]]) -> bytes:
    """The response to a query of one question: the IPv4 addresses of its name."""
    labels, at = [], _HEADER.size
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    question = query[_HEADER.size : at + 5]
    (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
    name = ".".join(labels)
    found = addresses.get(name, ()) if kind == _A else ()
    flags = _ANSWER if name in addresses else _NO_SUCH_NAME
    records = [_RECORD.pack(_SAME_NAME, _A, _INTERNET, _TTL, 4) + socket.inet_aton(each) for each in found]
    (query_id,) = struct.unpack("!H", query[:2])
    return _HEADER.pack(query_id, flags, 1, len(records), 0, 0) + question + b"".join(records)
