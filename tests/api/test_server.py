"""The real server on a real port: streams, limits of heads and times, malformed HTTP, and shutdown."""

from __future__ import annotations

import asyncio
import socket

import pytest
from anyio import to_thread
from structlog.testing import capture_logs
from uvicorn import Config

from api import protocol
from api.app import create_app
from api.server import Listener, Server, make_server
from sandbox.ports import free_port
from services.bootstrap import Services
from tests.api.event_streams import frames, stream
from tests.api.people import Person
from tests.api.serving import Served, serving
from tests.api.shop import ORDERS, a_product, order, placed


async def test_there_are_as_many_threads_as_connections(served: Served, services: Services) -> None:
    assert to_thread.current_default_thread_limiter().total_tokens == services.settings.database_pool


async def test_G11_no_response_names_the_server(served: Served) -> None:
    answer = await served.client.get("/nope")

    assert "server" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 17_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 2_000 + b"\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Endless: " + b"a" * 17_000,
        b"GET /livez?" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_G5_a_head_above_16_KiB_answers_431(served: Served, head: bytes) -> None:
    answer = await served.raw(head)

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"Request head too large.\n")
    assert (await served.client.get("/livez")).status_code == 200


async def test_a_head_of_15_KiB_is_accepted(served: Served) -> None:
    assert (await served.client.get("/livez", headers={"X-Long": "a" * 15 * 1024})).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n",
        b"POST /api/v1/auth/login/email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99\r\n\r\n{",
    ],
)
async def test_T104_a_slow_request_is_disconnected(
    served: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(protocol, "RECEIVE_SECONDS", 0.3)
    async with asyncio.timeout(5):
        assert await served.raw(sent) == b""


async def test_a_slow_response_is_not_disconnected(
    served: Served, buyer: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "RECEIVE_SECONDS", 0.3)

    answer = await order(served.client, buyer, a_product(services), headers={"Prefer": "wait=1"})

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"Content-Length: -1\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n",
        b"Content-Length : 5\r\n\r\nhello",
    ],
)
async def test_T118_ambiguous_lengths_are_refused(served: Served, head: bytes) -> None:
    answer = await served.raw(b"POST /api/v1/auth/login/email HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head)

    assert answer.startswith(b"HTTP/1.1 4")
    assert answer.count(b"HTTP/1.1 ") == 1


LOGIN = b"POST /api/v1/auth/login/email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HIDDEN = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = {
    "length and chunks": LOGIN + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks and length": LOGIN + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": LOGIN + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + HIDDEN,
    "a list of lengths": LOGIN + b"Content-Length: 2, 40\r\n\r\n{}" + HIDDEN,
    "a length with a sign": LOGIN + b"Content-Length: +2\r\n\r\n{}" + HIDDEN,
    "chunks twice": LOGIN + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks not last": LOGIN + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks behind a control": LOGIN + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a space before the colon": LOGIN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a folded line": LOGIN + b"X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
    "a bare line feed": LOGIN + b"X-A: b\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
    "a bare carriage return": LOGIN + b"X-A: b\rContent-Length: 0\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
    "a broken size of a chunk": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + HIDDEN,
    "no end of a chunk": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" + HIDDEN,
}


async def test_T118_no_request_is_smuggled(served: Served) -> None:
    for case, sent in SMUGGLED.items():
        async with asyncio.timeout(5):
            answer = await served.raw(sent)
        assert answer.startswith(b"HTTP/1.1 4"), case
        assert answer.count(b"HTTP/1.1 ") == 1, case
        assert b'"ready"' not in answer, case


async def test_T118_an_absolute_request_target_is_served(served: Served) -> None:
    answer = await served.raw(b"GET http://evil.example/nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"evil.example" not in answer


async def test_T118_expect_100_continue_is_supported(served: Served) -> None:
    asked = LOGIN + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"

    answer = await served.raw(asked)

    assert answer.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"").startswith(b"HTTP/1.1 422 ")
    assert answer.count(b"HTTP/1.1 4") == 1


async def test_T118_old_versions_of_HTTP(served: Served) -> None:
    answer = await served.raw(b"GET /livez HTTP/1.0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_shutdown_answers_long_polls_and_ends_streams(services: Services, buyer: Person) -> None:
    async with serving(services) as served:
        order_id = await placed(served.client, buyer, services)
        step = asyncio.create_task(
            served.client.post(f"{ORDERS}/{order_id}/reserve", headers={**buyer.headers, "Prefer": "wait=30"})
        )
        async with stream(served, buyer, order_id) as response:
            seen = frames(response)
            await anext(seen)
            began = asyncio.get_running_loop().time()
            served.server.should_exit = True
            assert [frame async for frame in seen] == []
        assert (await step).status_code == 202
        await served.task
        assert asyncio.get_running_loop().time() - began < 5


class Ends(Listener):
    """A listener of METRICS_PORT that fails once `fail` is set."""

    def __init__(self) -> None:
        super().__init__(Config(lambda: None))
        self.fail = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Until the failure."""
        await self.fail.wait()
        raise KeyError("a bug")


async def test_F93_a_process_whose_listener_of_metrics_fails_ends_so_that_it_is_started_again(
    services: Services,
) -> None:
    beside = Ends()
    app = create_app(services)
    settings = services.settings.model_copy(update={"api_port": free_port()})
    server = Server(make_server(app, settings).config, app, settings, beside)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
        beside.fail.set()
        with capture_logs() as logs, pytest.raises(KeyError):
            await serving
    assert [(line["event"], line["log_level"]) for line in logs] == [("metrics_listener.ended", "critical")]
