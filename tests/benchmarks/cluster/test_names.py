"""The name server of the cluster: what a resolver gets from it."""

from __future__ import annotations

import socket
import struct

from benchmarks.cluster.names import NameServer


def ask(server: NameServer, name: str, kind: int = 1) -> tuple[int, list[str]]:
    """The status and the addresses that a query is answered with."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!B2H", 0, kind, 1)
    host, _, port = server.address.partition(":")
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(query, (host, int(port)))
        answer = client.recv(4096)
    query_id, flags, questions, count, _, _ = struct.unpack("!6H", answer[:12])
    assert (query_id, questions, answer[12 : len(query)]) == (4711, 1, query[12:])
    records = [answer[len(query) + 16 * each :][:16] for each in range(count)]
    return flags & 0xF, [socket.inet_ntoa(record[12:]) for record in records]


def test_a_name_has_the_addresses_that_it_has_now() -> None:
    with NameServer({"api": ["127.0.0.2", "127.0.0.3"], "web": []}) as server:
        assert ask(server, "api") == (0, ["127.0.0.2", "127.0.0.3"])
        server.addresses["api"] = ["127.0.0.4"]
        assert ask(server, "api") == (0, ["127.0.0.4"])
        assert ask(server, "web") == (0, [])


def test_other_names_and_kinds_have_none() -> None:
    with NameServer({"api": ["127.0.0.2"]}) as server:
        assert ask(server, "database") == (3, [])
        assert ask(server, "api", kind=28) == (0, [])
