"""Processes that are stopped: unready at once, serving for DRAIN_SECONDS, then closed; a second signal ends them."""

from __future__ import annotations

import http.client
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, accepts, free_port
from sandbox.process import wait_until
from sandbox.programs import Program, answers_readyz
from services.bootstrap import Services
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, a_product

#: Seconds that a process serves after the signal, and within which it must have ended then.
DRAINS, ENDS_WITHIN = 1.0, 5.0
Start = Callable[..., "Served"]


class Served:
    """A process that serves, and requests to it on connections of their own."""

    def __init__(self, program: Program, port: int) -> None:
        self.program, self.port = program, port

    def get(self, path: str) -> tuple[int, str | None]:
        """The status and the header `Connection` of a response."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.headers["connection"]
        finally:
            connection.close()

    def closed(self, not_before: float) -> None:
        """The process takes connections until a time of the monotonic clock, and ends by itself after it."""
        assert wait_until(lambda: not accepts(self.port), DRAINS + ENDS_WITHIN)
        assert time.monotonic() >= not_before
        assert self.ended() == "exit code 0"

    def ended(self) -> str:
        """How the process ended. Raises AssertionError when it still runs."""
        assert wait_until(lambda: not self.program.running, ENDS_WITHIN)
        return self.program.ending


@pytest.fixture
def start(services: Services, database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts processes of the services' system; Temporal is away."""
    env = {
        "APP_ENV": "development",
        "DATABASE_URL": database_url,
        "DATA_DIR": str(services.settings.data_dir),
        "TEMPORAL_ADDRESS": f"{LOOPBACK}:{free_port()}",
        "RATE_LIMIT_FACTOR": "1000",
        "METRICS_PORT": "",
    }
    started: list[Program] = []

    def begin(*command: str, drain: float) -> Served:
        port = free_port()
        name = "web" if command == ("web",) else "api"
        listens = {f"{name.upper()}_PORT": str(port), "DRAIN_SECONDS": f"{drain:g}"}
        argv = [sys.executable, "-m", *command]
        program = Program(name, argv, env={**env, **listens}, cwd=ROOT, ready=answers_readyz(port))
        started.append(program)
        program.start()
        return Served(program, port)

    yield begin
    for program in started:
        program.kill()


@contextmanager
def waiting(served: Served, buyer: Person, product_id: str) -> Iterator[Callable[[], httpx2.Response]]:
    """A request in a thread that waits for a step of an order which no workflow takes; yields its result."""
    with (
        httpx2.Client(base_url=f"http://{LOOPBACK}:{served.port}", headers=buyer.headers, timeout=40) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        placed = client.post(ORDERS, json={"productId": product_id, **ADDRESS})
        path = f"{ORDERS}/{placed.json()['orderId']}/reserve"
        yield pool.submit(client.post, path, headers={"Prefer": "wait=30"}).result


@pytest.mark.parametrize("command", [("api",), ("workers", "--with-api")], ids=" ".join)
def test_F85_the_api_serves_while_it_is_unready_and_closes_then(
    start: Start, services: Services, buyer: Person, command: tuple[str, ...]
) -> None:
    served, product = start(*command, drain=DRAINS), str(a_product(services))
    with waiting(served, buyer, product) as waited:
        began = time.monotonic()
        served.program.send(signal.SIGTERM)
        assert wait_until(lambda: served.get("/readyz")[0] == 503, DRAINS)
        placed = httpx2.post(
            f"http://{LOOPBACK}:{served.port}{ORDERS}", json={"productId": product, **ADDRESS}, headers=buyer.headers
        )
        assert (placed.status_code, placed.headers["connection"]) == (201, "close")
        assert served.get("/livez") == (200, "close")
        assert waited().status_code == 202
    served.closed(not_before=began + DRAINS)


def test_F85_the_api_ends_at_once_when_it_is_stopped_again(start: Start, services: Services, buyer: Person) -> None:
    served = start("api", drain=600)
    with waiting(served, buyer, str(a_product(services))) as waited:
        served.program.send(signal.SIGTERM)
        assert wait_until(lambda: served.get("/readyz")[0] == 503, ENDS_WITHIN)
        served.program.send(signal.SIGINT)
        with pytest.raises(httpx2.TransportError):
            waited()
    assert served.ended() == "exit code 0"


def test_F85_the_pages_are_served_while_they_are_unready(start: Start) -> None:
    served = start("web", drain=DRAINS)
    assert served.get("/static/style.css") == (200, None)
    began = time.monotonic()
    served.program.send(signal.SIGTERM)
    assert wait_until(lambda: served.get("/readyz") == (503, "close"), DRAINS)
    assert served.get("/static/style.css") == (200, "close")
    served.closed(not_before=began + DRAINS)


def test_F85_the_pages_end_at_once_when_they_are_stopped_again(start: Start) -> None:
    served = start("web", drain=600)
    served.program.send(signal.SIGINT)
    assert wait_until(lambda: served.get("/readyz")[0] == 503, ENDS_WITHIN)
    served.program.send(signal.SIGTERM)
    assert served.ended() == "exit code 0"
