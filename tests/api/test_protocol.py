"""HTTP of hostile clients, sent to the real listener, and to it behind HAProxy and nginx where they are installed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from api.protocol import BoundedProtocol
from api.server import metrics_listener
from sandbox.standins.connections import DroppableProtocol
from services.bootstrap import Services
from tests.api.serving import PROXIES, exchange, listening, proxy, serving


@dataclass(frozen=True)
class Front:
    """Where clients connect: to the listener itself, or to a proxy before it."""

    name: str
    port: int

    async def raw(self, sent: bytes) -> bytes:
        """What comes back until the connection is closed."""
        return await exchange(self.port, sent)


def with_echo(app: FastAPI) -> None:
    """Add an operation that answers with the headers and the body of its request, read to its end."""

    async def echo(request: Request) -> JSONResponse:
        body = await request.body()
        raw = request.scope["headers"]
        return JSONResponse({"headers": [name.decode() for name, _ in raw], "body": body.decode()})

    app.add_route("/echo", echo, methods=["POST", "GET"])


@pytest.fixture(scope="module", params=["direct", *PROXIES])
async def front(
    request: pytest.FixtureRequest, all_services: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Front]:
    async with serving(all_services, with_echo) as served:
        with ExitStack() as stack:
            port = served.port
            if request.param != "direct":
                port = stack.enter_context(proxy(request.param, port, tmp_path_factory.mktemp(request.param)))
                await listening(port)
            yield Front(request.param, port)


def test_T137_all_listeners_have_the_same_protocol(all_services: Services) -> None:
    internal = metrics_listener(FastAPI(), all_services.settings)

    assert internal.config.http is BoundedProtocol
    assert issubclass(DroppableProtocol, BoundedProtocol)


def asked(path: str, more: bytes = b"", method: bytes = b"GET") -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: market\r\n%b\r\n" % (method, path.encode(), more)


LAST = asked("/livez", b"Connection: close\r\n")
JSON = b"Content-Type: application/json\r\n"
TRAILERS = b"X-Forwarded-For: 203.0.113.9\r\nAuthorization: Bearer x\r\nX-Request-Id: trailer\r\n"


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def body_of(received: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(received[received.index(b"{") : received.index(b"}") + 1])
    return found


async def test_T137_trailers_never_are_headers(front: Front) -> None:
    chunked = b"Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-For\r\n"
    received = await front.raw(asked("/echo", chunked, b"POST") + b"2\r\nab\r\n0\r\n" + TRAILERS + b"\r\n" + LAST)

    assert statuses(received) == [200, 200]
    echoed = body_of(received)
    assert echoed["body"] == "ab"
    assert "authorization" not in echoed["headers"]
    assert echoed["headers"].count("x-forwarded-for") == (front.name == "nginx")
    assert b"x-request-id: trailer" not in received


async def test_T141_requests_in_one_segment_are_all_answered(front: Front) -> None:
    body = b"x" * 30_000
    first = asked("/echo", b"Content-Length: %d\r\n" % len(body), b"POST") + body
    received = await front.raw(first + asked("/nope") + first + LAST)

    assert statuses(received) == [200, 404, 200, 200]
    assert received.count(body) == 2


@pytest.mark.parametrize(
    "rest", [b"\x16\x03\x01 garbage\r\n\r\n", asked("/livez", b"X-Long: " + b"a" * 17_000 + b"\r\n")]
)
async def test_T141_what_follows_a_request_does_not_cost_its_response(front: Front, rest: bytes) -> None:
    received = await front.raw(asked("/echo", b"Content-Length: 2\r\n", b"POST") + b"ok" + rest)

    first, *others = statuses(received)
    assert first == 200
    assert body_of(received)["body"] == "ok"
    assert others in ([], [400], [431])


@pytest.mark.parametrize(
    "hosts",
    [b"", b"Host: market\r\nHost: market\r\n", b"Host: market\r\nHost: evil\r\n", b"Host: a b\r\n", b"Host: a,b/c\r\n"],
)
async def test_T142_a_request_has_one_valid_host(front: Front, hosts: bytes) -> None:
    received = await front.raw(b"GET /echo HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")

    if front.name == "haproxy" and hosts == b"Host: market\r\nHost: market\r\n":
        assert statuses(received) == [200]  # HAProxy forwards one of two equal ones
    else:
        assert statuses(received) == [400]


async def test_T142_hosts_that_are_valid(front: Front) -> None:
    for host in (b"market.example:8000", b"[::1]:8000", b"127.0.0.1"):
        received = await front.raw(b"GET /livez HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        assert statuses(received) == [200], host


@pytest.mark.parametrize("path", ["/livez", "/api/v1/products", "/problems/forbidden", "/api/v1/orders/me", "/nope"])
async def test_T143_HEAD_has_the_head_of_GET_and_no_body(front: Front, path: str) -> None:
    got = await front.raw(asked(path, b"X-Request-Id: same\r\nConnection: close\r\n"))
    received = await front.raw(asked(path, b"X-Request-Id: same\r\n", b"HEAD") + LAST)

    head, _, rest = received.partition(b"\r\n\r\n")
    assert lines(head) == lines(got.partition(b"\r\n\r\n")[0])
    assert rest.startswith(b"HTTP/1.1 200 ")


def lines(head: bytes) -> list[bytes]:
    return sorted(line for line in head.split(b"\r\n") if not line.lower().startswith((b"date:", b"connection:")))


async def test_T118_a_request_to_upgrade_keeps_its_body_and_what_follows(front: Front) -> None:
    hidden = asked("/api/v1/products")
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    for length in (
        b"Content-Length: %d\r\n\r\n" % len(hidden),
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(hidden),
    ):
        end = b"" if length.startswith(b"C") else b"\r\n0\r\n\r\n"
        head = b"POST /echo HTTP/1.1\r\nHost: market\r\n" + upgrade + length
        received = await front.raw(head + hidden + end + LAST)
        assert statuses(received) == [200, 200]
        assert body_of(received)["body"] == hidden.decode()


async def test_T118_CONNECT_is_refused(front: Front) -> None:
    received = await front.raw(b"CONNECT other:80 HTTP/1.1\r\nHost: other:80\r\n\r\n" + LAST)

    assert statuses(received)[0] in (400, 405)
    # What follows is a request of its own to HAProxy.
    assert (b"alive" in received) == (front.name == "haproxy")


SMUGGLED = {
    "length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
    "a list of lengths": b"Content-Length: 2, 40\r\n\r\n{}",
    "a length with a sign": b"Content-Length: +2\r\n\r\n{}",
    "chunks not last": b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    "a bare line feed": b"X-A: b\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    "a broken size of a chunk": b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "trailers that are a request": b"Transfer-Encoding: chunked\r\n\r\n0\r\nGET /nope HTTP/1.1\r\nHost: x\r\n\r\n",
    "an empty header": b"X-A:\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
}


async def test_T118_no_connection_is_desynchronised(front: Front) -> None:
    for case, head in SMUGGLED.items():
        hidden = asked("/api/v1/products")
        await front.raw(b"POST /echo HTTP/1.1\r\nHost: market\r\n" + JSON + head + hidden + LAST)
        for _ in range(3):
            # Of another client; a proxy may send it over the connection that the hostile one was sent over.
            received = await front.raw(LAST)
            assert statuses(received) == [200], case
            assert received.endswith(b'{"status":"alive"}'), case
