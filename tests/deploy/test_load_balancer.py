"""deploy/haproxy.cfg before two API processes, which a name server knows as Docker's DNS knows containers."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import httpx2
import pytest

from benchmarks.cluster.balancer import CONFIGURATION, load_balancer
from benchmarks.cluster.names import NameServer
from sandbox.errors import CannotStart
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, free_port, free_ports
from sandbox.process import wait_until
from sandbox.programs import Program
from services.bootstrap import Services
from services.settings import Settings
from tests.api.conftest import all_services, buyer, services, settings
from tests.api.event_streams import frames
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, a_product, reserve
from tests.fakes.span_receiver import SpanReceiver

__all__ = ["all_services", "buyer", "services", "settings"]

HOSTS = ("127.0.0.2", "127.0.0.3")
#: Seconds within which the load balancer sees a change.
SEEN_WITHIN = 15.0


class Balanced:
    """The load balancer, the APIs behind it by their addresses, and requests through it."""

    def __init__(self, ports: tuple[int, int, int], upstream: int, names: NameServer, env: dict[str, str]) -> None:
        self.port, self.internal, self.web = ports
        self._upstream, self._names, self._env = upstream, names, env
        self.apis: dict[str, Program] = {}

    @property
    def url(self) -> str:
        """Where clients reach the API."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, host: str) -> None:
        """Start an API at this address, and return when it gets requests."""
        env = {**self._env, "API_HOST": host, "API_PORT": str(self._upstream)}
        api = Program(host, [sys.executable, "-m", "api"], env=env, cwd=ROOT, ready=lambda: self._answers(host))
        self.apis[host] = api
        api.start()
        self._names.addresses["api"] = [*self._names.addresses["api"], host]
        assert wait_until(lambda: self._gets_requests(host), SEEN_WITHIN)

    def restart(self) -> None:
        """Start every API that does not run, and return when all get requests."""
        for host, api in list(self.apis.items()):
            if not api.running:
                self._names.addresses["api"] = [each for each in self._names.addresses["api"] if each != host]
                self.start(host)

    def forget(self, host: str) -> None:
        """The name has this address no more, as when a container is removed."""
        self._names.addresses["api"] = [each for each in self._names.addresses["api"] if each != host]
        self.apis.pop(host).kill()

    def client(self, headers: dict[str, str]) -> httpx2.Client:
        """Requests through the load balancer."""
        return httpx2.Client(base_url=self.url, timeout=40, headers=headers)

    def _answers(self, host: str) -> bool:
        with suppress(httpx2.TransportError):
            return httpx2.get(f"http://{host}:{self._upstream}/readyz").status_code == 200
        return False

    def _gets_requests(self, host: str) -> bool:
        """Whether a request that is sent now may reach this API: it alone counts those that reached it."""
        with suppress(httpx2.TransportError):
            httpx2.get(f"http://{LOOPBACK}:{self.internal}/livez")
        return 'operation="GET /livez"' in httpx2.get(f"http://{host}:{self._upstream}/metrics").text


@pytest.fixture(scope="module")
def receiver() -> Iterator[SpanReceiver]:
    with SpanReceiver() as opened:
        yield opened


@pytest.fixture(scope="module")
def two_apis(
    database_url: str, settings: Settings, receiver: SpanReceiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Balanced]:
    folder = tmp_path_factory.mktemp("balanced")
    env = {
        "APP_ENV": "development",
        "DATABASE_URL": database_url,
        "DATA_DIR": str(settings.data_dir),
        "TEMPORAL_ADDRESS": f"{LOOPBACK}:{free_port()}",
        "METRICS_PORT": "",
        "DRAIN_SECONDS": "5",
        "TRUSTED_PROXIES": LOOPBACK,
        "TRACE_SOURCES": LOOPBACK,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    port, internal, web, upstream_api, upstream_web = free_ports(5)
    with NameServer({"api": [], "web": []}) as names:
        try:
            balancer = load_balancer(
                api=port,
                internal=internal,
                web=web,
                upstream_api=upstream_api,
                upstream_web=upstream_web,
                names=names.address,
                log=folder / "haproxy.log",
            )
        except CannotStart as missing:
            pytest.skip(str(missing))
        balanced = Balanced((port, internal, web), upstream_api, names, env)
        try:
            with balancer:
                for host in HOSTS:
                    balanced.start(host)
                yield balanced
        finally:
            for api in balanced.apis.values():
                api.kill()


@pytest.fixture
def balanced(two_apis: Balanced, services: Services) -> Balanced:
    """The load balancer before two APIs that run, on empty tables."""
    two_apis.restart()
    return two_apis


def test_the_configuration_has_no_warnings() -> None:
    program = shutil.which("haproxy", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if program is None:
        pytest.skip("haproxy is not installed (Debian: apt-get install haproxy)")
    checked = subprocess.run([program, "-c", "-f", str(CONFIGURATION)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout.strip(), checked.stderr) == (0, "Configuration file is valid", "")


def test_T245_the_trace_of_the_pages_is_passed_on_and_that_of_a_client_is_not(
    balanced: Balanced, receiver: SpanReceiver
) -> None:
    ports = {"a" * 32: balanced.port, "b" * 32: balanced.internal}
    for trace_id, port in ports.items():
        headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        assert httpx2.get(f"http://{LOOPBACK}:{port}/api/v1/products", headers=headers).status_code == 200
    assert wait_until(lambda: len(_reads(receiver)) == 2, SEEN_WITHIN)
    assert [trace_id in _reads(receiver) for trace_id in ports] == [False, True]


def _reads(receiver: SpanReceiver) -> set[str]:
    """The traces of the reads of products."""
    return {span.trace_id for span in receiver.spans() if span.name == "GET /api/v1/products"}


def test_T253_health_and_metrics_are_not_for_strangers(balanced: Balanced) -> None:
    def statuses(port: int) -> list[int]:
        paths = ("/livez", "/readyz", "/metrics", "/livez?x=1", "//readyz", "/%6Civez", "/livez/")
        return [httpx2.get(f"http://{LOOPBACK}:{port}{path}").status_code for path in paths]

    assert statuses(balanced.port) == [404] * 7
    assert statuses(balanced.web)[:4] == [404] * 4  # no process of the pages is behind it
    assert statuses(balanced.internal)[:2] == [200] * 2


async def test_an_event_stream_is_passed_on_line_by_line(balanced: Balanced, services: Services, buyer: Person) -> None:
    async with asyncio.timeout(10), httpx2.AsyncClient(base_url=balanced.url, headers=buyer.headers) as client:
        placed = await client.post(ORDERS, json={"productId": str(a_product(services)), **ADDRESS})
        path = f"{ORDERS}/{placed.json()['orderId']}/events"
        async with client.stream("GET", path, headers={"Accept": "text/event-stream"}) as response:
            seen = frames(response)
            assert (await anext(seen)).name == "state"
            reserve(services, UUID(placed.json()["orderId"]))
            assert (await anext(seen)).data["type"] == "reserved"


def test_a_request_that_waits_is_answered_when_its_step_is_done(
    balanced: Balanced, services: Services, buyer: Person
) -> None:
    with balanced.client(headers=buyer.headers) as client, ThreadPoolExecutor(1) as pool:
        order_id = client.post(ORDERS, json={"productId": str(a_product(services)), **ADDRESS}).json()["orderId"]
        waits = pool.submit(client.post, f"{ORDERS}/{order_id}/reserve", headers={"Prefer": "wait=30"})
        reserve(services, UUID(order_id))
        assert waits.result().status_code == 200


def test_G14_the_client_is_the_peer_of_the_load_balancer_and_the_visitor_of_the_pages(balanced: Balanced) -> None:
    def status(client: httpx2.Client, forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return client.post("/api/v1/auth/register/email", json={}, headers=headers).status_code

    def statuses(address: str, times: int) -> set[int]:
        transport = httpx2.HTTPTransport(local_address=address)
        with httpx2.Client(base_url=balanced.url, timeout=40, transport=transport) as client:
            return {status(client, f"203.0.113.{number}") for number in range(times)}

    assert statuses("127.0.0.9", 20) == {422}
    assert statuses("127.0.0.9", 1) == {429}
    assert statuses("127.0.0.8", 1) == {422}
    assert statuses(LOOPBACK, 20) | statuses(LOOPBACK, 1) == {422, 429}  # a peer that the API trusts, too
    with httpx2.Client(base_url=f"http://{LOOPBACK}:{balanced.internal}") as pages:
        assert [status(pages, visitor) for visitor in ("127.0.0.9", "127.0.0.7")] == [429, 422]


def test_F86_a_killed_api_costs_a_request_that_must_not_be_sent_twice_and_no_other(
    balanced: Balanced, services: Services, buyer: Person
) -> None:
    """Requests without a key that had reached it are lost; with a key, and reads, the other API answers them."""
    product = str(a_product(services))

    def placed() -> int:
        (row,) = services.database.fetch_all("SELECT count(*) AS orders FROM orders.orders", {})
        return int(row.orders)

    def place(key: dict[str, str]) -> int:
        with balanced.client(headers={**buyer.headers, **key, "Prefer": "wait=8"}) as client:
            return client.post(ORDERS, json={"productId": product, **ADDRESS}).status_code

    with ThreadPoolExecutor(4) as pool, balanced.client(headers=buyer.headers) as reading:
        lost = [pool.submit(place, {}) for _ in HOSTS]
        assert wait_until(lambda: placed() == 2, 10)
        kept = [pool.submit(place, {"Idempotency-Key": f"F86-{number}"}) for number in range(len(HOSTS))]
        assert wait_until(lambda: placed() == 4, 10)
        balanced.apis[HOSTS[0]].kill()
        assert {reading.get("/api/v1/users/me").status_code for _ in range(20)} == {200}
        assert sorted(each.result() for each in lost) == [201, 502]
        assert [each.result() for each in kept] == [201, 201]
    assert placed() == 4


def test_F86_an_api_that_drains_costs_no_request_and_another_address_is_found(
    balanced: Balanced, services: Services, buyer: Person
) -> None:
    drains, remains, new = *HOSTS, "127.0.0.4"
    body = {"productId": str(a_product(services)), "quantity": 0, **ADDRESS}

    def requests_until_ended() -> Counter[int]:
        found: Counter[int] = Counter()
        with balanced.client(headers=buyer.headers) as kept_alive:
            while balanced.apis[drains].running:
                found[kept_alive.post(ORDERS, json=body).status_code] += 1
                found[httpx2.post(f"{balanced.url}{ORDERS}", json=body, headers=buyer.headers).status_code] += 1
        return found

    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(requests_until_ended) for _ in range(2)]
        balanced.apis[drains].send(signal.SIGTERM)
        found = sum((each.result() for each in results), Counter[int]())
    assert set(found) == {422}
    assert balanced.apis[drains].ending == "exit code 0"

    balanced.forget(drains)
    balanced.start(new)
    balanced.apis[remains].kill()
    assert httpx2.get(f"http://{LOOPBACK}:{balanced.internal}/readyz").status_code == 200
    balanced.forget(remains)
