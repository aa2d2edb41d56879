"""METRICS_PORT of the pages' process: what it serves, what it counts, and that nothing of it came from a person."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sandbox.layout import ROOT
from sandbox.ports import LISTEN, LOOPBACK, accepts, free_port
from sandbox.process import wait_until
from sandbox.programs import Program, answers_readyz
from services.bootstrap import Services
from services.clock import new_id
from tests.api.serving import serving
from tests.api.shop import a_product
from tests.web.visitor import SAME_ORIGIN
from web.api_operations import TEMPLATES, operation_of

#: What a person sends and no label may hold.
CANARY = "canary-4711"
NOWHERE = f"http://{LOOPBACK}:1"


@dataclass(frozen=True)
class Pages:
    """A process of the pages with both listeners."""

    program: Program
    port: int
    internal: int
    http: httpx2.AsyncClient

    async def metrics(self) -> str:
        """The text of `/metrics`."""
        answer = await self.http.get(f"http://{LOOPBACK}:{self.internal}/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return answer.text

    async def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """The values of a metric by those of its labels, in the order of the labels' names."""
        families = text_string_to_metric_families(await self.metrics())
        found = [each for family in families for each in family.samples if each.name == name]
        return {tuple(value for _, value in sorted(each.labels.items())): each.value for each in found}

    async def counted(self, name: str) -> dict[tuple[str, ...], float]:
        """Those values that are not zero: errors begin at zero for every page."""
        return {labels: value for labels, value in (await self.samples(name)).items() if value}

    async def until_in(self, name: str, labels: tuple[str, ...]) -> None:
        """Wait until a metric has a value with these labels. Raises TimeoutError."""
        async with asyncio.timeout(5):
            while labels not in await self.samples(name):
                await asyncio.sleep(0.05)


def command(port: int, internal: int | str, api: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    listens = {"WEB_PORT": str(port), "METRICS_PORT": str(internal)}
    return [sys.executable, "-m", "web"], {"APP_ENV": "development", "API_URL": api, **listens, **settings}


@contextmanager
def running(api: str, **settings: str) -> Iterator[tuple[Program, int, int]]:
    port, internal = free_port(), free_port()
    argv, env = command(port, internal, api, **settings)
    program = Program("web", argv, env=env, cwd=ROOT, ready=answers_readyz(port))
    program.start()
    try:
        program.wait_ready()
        yield program, port, internal
    finally:
        program.kill()


@asynccontextmanager
async def opened(api: str, **settings: str) -> AsyncIterator[Pages]:
    with running(api, **settings) as (program, port, internal):
        async with httpx2.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", timeout=20, trust_env=False) as http:
            yield Pages(program, port, internal, http)


async def test_requests_are_counted_by_route_method_and_status_class(services: Services) -> None:
    product, missing = a_product(services), new_id()
    async with serving(services) as api, opened(f"http://{LOOPBACK}:{api.port}") as pages:
        for path in ("/", f"/?q={CANARY}", f"/products/{product}", f"/products/{missing}", f"/{CANARY}"):
            await pages.http.get(path)
        await pages.http.get("/static/style.css")
        await pages.http.head("/")
        await pages.http.post("/sign-in", data={"identifier": CANARY}, headers={"Origin": f"https://{CANARY}.example"})
        await pages.http.request("PROPFIND", "/", headers=SAME_ORIGIN | {"Content-Length": "0"})
        # The file of a style sheet is closed in a thread, and its request counted after that.
        await pages.until_in("web_requests_total", ("GET", "/static", "2xx"))
        found, text = await pages.counted("web_requests_total"), await pages.metrics()
        seconds = await pages.samples("web_request_seconds_count")

    assert found == {
        ("GET", "/", "2xx"): 2,
        ("GET", "/products/{product_id}", "2xx"): 1,
        ("GET", "/products/{product_id}", "4xx"): 1,
        ("GET", "other", "4xx"): 1,
        ("GET", "/static", "2xx"): 1,
        ("HEAD", "/", "4xx"): 1,
        ("POST", "other", "4xx"): 1,
        ("other", "/", "4xx"): 1,
    }
    assert seconds["GET", "/products/{product_id}"] == 2
    assert [sent for sent in (CANARY, str(product), str(missing)) if sent in text.lower()] == []


async def test_calls_of_the_api_are_counted_by_operation_and_status(services: Services) -> None:
    product, missing = a_product(services), new_id()
    async with serving(services) as api, opened(f"http://{LOOPBACK}:{api.port}") as pages:
        for path in ("/", f"/products/{product}", f"/products/{missing}"):
            await pages.http.get(path)
        found = await pages.samples("web_api_calls_total")
        seconds = await pages.samples("web_api_call_seconds_count")

    assert found == {
        ("GET /products", "200"): 1,
        ("GET /products/{productId}", "200"): 1,
        ("GET /products/{productId}", "404"): 1,
    }
    assert seconds == {("GET /products",): 1, ("GET /products/{productId}",): 2}


async def test_without_an_api_the_pages_count_errors_and_stay_alive() -> None:
    async with opened(NOWHERE) as pages:
        assert (await pages.http.get("/")).status_code == 503
        calls, requests = await pages.samples("web_api_calls_total"), await pages.counted("web_requests_total")
        alive = await pages.http.get(f"http://{LOOPBACK}:{pages.internal}/livez")

    assert calls == {("GET /products", "unavailable"): 1}
    assert requests == {("GET", "/", "5xx"): 1}
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})


async def test_a_request_is_in_flight_until_it_ends_and_a_visitor_who_leaves_is_no_error_of_ours() -> None:
    async with opened(NOWHERE) as pages:
        _, writer = await asyncio.open_connection(LOOPBACK, pages.port)
        head = f"POST /sign-in HTTP/1.1\r\nHost: {LOOPBACK}:{pages.port}\r\nSec-Fetch-Site: same-origin\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\nidentifier=".encode())
        await _until(pages, "web_requests_in_flight", {(): 1})
        writer.close()
        await _until(pages, "web_requests_in_flight", {(): 0})
        assert await pages.counted("web_requests_total") == {("POST", "/sign-in", "4xx"): 1}


async def _until(pages: Pages, name: str, expected: dict[tuple[str, ...], float]) -> None:
    async with asyncio.timeout(5):
        while await pages.samples(name) != expected:
            await asyncio.sleep(0.02)


async def test_the_process_is_measured_and_health_checks_are_not_counted() -> None:
    async with opened(NOWHERE) as pages:
        for _ in range(3):
            assert (await pages.http.get("/readyz")).status_code == 200
        memory = await pages.samples("process_resident_memory_bytes")
        assert await pages.counted("web_requests_total") == {}

    assert 20e6 < memory[()] < 500e6


async def test_T115_metrics_and_liveness_are_on_the_internal_listener_and_nothing_else_is() -> None:
    async with opened(NOWHERE) as pages:
        public = [(await pages.http.get(path)).status_code for path in ("/metrics", "/livez")]
        inside = [
            f"http://{LOOPBACK}:{pages.internal}{path}" for path in ("/", "/sign-in", "/static/style.css", "/desk")
        ]
        internal = [(await pages.http.get(address)).status_code for address in inside]

    assert (public, internal) == ([404] * 2, [404] * 4)


async def test_F85_the_internal_listener_answers_until_the_pages_have_drained() -> None:
    async with opened(NOWHERE, DRAIN_SECONDS="1") as pages:
        pages.program.send(signal.SIGTERM)
        while await _is_alive(pages) or accepts(pages.port):
            await asyncio.sleep(0.02)
        assert not accepts(pages.port)
        assert await asyncio.to_thread(wait_until, lambda: not pages.program.running, 10.0)
    assert pages.program.ending == "exit code 0"


async def _is_alive(pages: Pages) -> bool:
    """Whether `/livez` is 200; it is as long as the pages take connections."""
    try:
        answer = await pages.http.get(f"http://{LOOPBACK}:{pages.internal}/livez")
    except httpx2.TransportError:
        assert not accepts(pages.port)
        return False
    assert answer.status_code == 200
    return True


def test_without_a_port_there_is_no_second_listener() -> None:
    with running(NOWHERE, METRICS_PORT="") as (program, port, _):
        assert listens_on(program.pid) == {port}


def listens_on(pid: int) -> set[int]:
    """The ports on which a process listens."""
    handles = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTEN and f"socket:[{row[9]}]" in handles}


def test_a_port_in_use_ends_the_process() -> None:
    with running(NOWHERE) as (_, _, taken):
        argv, env = command(free_port(), taken, NOWHERE)
        ended = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 3
    assert "address already in use" in ended.stderr.partition("\n")[0]


@pytest.mark.parametrize("wrong", ["0", "65536", "9100/tcp"])
def test_T160_a_wrong_port_is_named(wrong: str) -> None:
    argv, env = command(free_port(), wrong, NOWHERE)
    ended = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("web: METRICS_PORT: ")


def test_operations_are_those_of_the_contract() -> None:
    contract = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    assert {*TEMPLATES} <= {path.removeprefix("/api/v1") for path in contract}
    assert len({*TEMPLATES}) == len(TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES)
def test_an_operation_is_named_by_its_template(template: str) -> None:
    path = "/".join(f"{new_id()}" if part.startswith("{") else part for part in template.split("/"))
    assert operation_of("GET", f"/api/v1{path}") == f"GET {template}"
    assert operation_of("GET", f"/api/v1{path}/{CANARY}/{CANARY}/{CANARY}") == "other"
