"""The running cluster: its processes by name, each of which can be killed, stopped and started again."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg

from benchmarks.cluster import databases, temporal_server
from benchmarks.cluster.balancer import load_balancer
from benchmarks.cluster.databases import Databases
from benchmarks.cluster.names import NameServer
from benchmarks.cluster.temporal_server import ServerPorts
from benchmarks.running_system import CATALOG, SETTINGS, STOCK
from sandbox.addresses import Addresses
from sandbox.component import Component
from sandbox.demo.audit import run_audit
from sandbox.errors import CannotStart
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, free_port, free_ports
from sandbox.postgres import EmbeddedPostgres
from sandbox.process import wait_until
from sandbox.programs import Program
from sandbox.settings import Ports, StackSettings
from sandbox.stack import Stack

#: Seconds that a process serves after SIGTERM; the load balancer takes it out within two.
DRAIN_SECONDS = 3
#: Seconds within which every order must have ended once no more are placed.
ENDS_WITHIN = 180.0
_OPEN = "SELECT count(*) FROM orders.orders WHERE status NOT IN ('confirmed', 'cancelled')"


@dataclass(frozen=True)
class Size:
    """How many processes of each part; `roles`: Temporal's server as one process a role."""

    apis: int = 2
    workers: int = 3
    webs: int = 2
    roles: bool = False


@dataclass
class Cluster:
    """The parts by name, in the order in which they were started."""

    stack: Stack
    databases: Databases
    names: NameServer
    parts: dict[str, Component] = field(default_factory=dict)

    @property
    def addresses(self) -> Addresses:
        """Where clients reach the system: `api` is the load balancer's."""
        return self.stack.addresses

    @property
    def pages(self) -> str:
        """Where visitors reach the pages, through the load balancer."""
        return f"http://{LOOPBACK}:{self.stack.settings.ports.web}"

    def named(self, kind: str) -> list[Component]:
        """The parts of a kind: `api` finds api-1, api-2 …"""
        return [part for name, part in self.parts.items() if name.rpartition("-")[0] == kind]

    def audit(self) -> list[str]:
        """Wait until every order has ended; what the audit, the reconciler and the provider's ledger object to."""
        if not wait_until(lambda: self.open_orders() == 0, ENDS_WITHIN, every=0.5):
            return [f"{self.open_orders()} orders have not ended after {ENDS_WITHIN:g} s"]
        audited = run_audit(self.addresses.database, self.addresses.sandbox, timeout=90)
        found = [f"{check.id}: {each.sentence} {each.ids}" for check in audited for each in check.violations]
        return found + self._reconciled()

    def open_orders(self) -> int:
        """Orders that are neither confirmed nor cancelled."""
        return self.count(_OPEN)

    def count(self, statement: str) -> int:
        """The number that a statement on the market's database selects."""
        with psycopg.connect(self.addresses.database, autocommit=True) as connection:
            return int(connection.execute(statement.encode()).fetchall()[0][0])

    def _reconciled(self) -> list[str]:
        argv = [sys.executable, "-m", "services", "reconcile", "--json", "--lag", "0"]
        done = subprocess.run(argv, cwd=ROOT, env=self.stack.environment, capture_output=True, text=True)
        if not done.stdout:
            return [f"reconcile failed: {done.stderr[-500:]}"]
        checks = json.loads(done.stdout)["checks"]
        found = [
            f"reconcile, {each['id']} was not checked: {each['unchecked']}" for each in checks if each["unchecked"]
        ]
        return found + [
            f"{each['id']}: {one['sentence']} {one['ids']}" for each in checks for one in each["violations"]
        ]


@contextmanager
def running_cluster(folder: Path, size: Size, ports: Ports | None = None) -> Iterator[Cluster]:
    """A new cluster with its data in `folder`, which must be empty. Raises CannotStart."""
    built = temporal_server.programs()
    ports, server_ports = ports or Ports.free(), ServerPorts.free()
    password = secrets.token_hex(12)
    store = Databases(ports.postgres, password)
    with ExitStack() as opened:
        names = opened.enter_context(NameServer({"api": [], "web": []}))
        postgres = opened.enter_context(EmbeddedPostgres(folder, ports.postgres, password))
        store.create()
        store.prepare_temporal(built)
        servers = temporal_server.servers(
            built, server_ports, ports.postgres, password, folder / "logs", roles=size.roles
        )
        # The first one writes the cluster's metadata; of several at once the others exit with a duplicate key.
        _start_all(opened, servers[:1])
        _start_all(opened, servers[1:])
        settings = StackSettings(
            folder / "stack",
            ports,
            application=False,
            database_url=store.url("market"),
            temporal_address=server_ports.address,
            env={**SETTINGS, "DRAIN_SECONDS": str(DRAIN_SECONDS), "TRUSTED_PROXIES": LOOPBACK},
        )
        databases.prepare_namespace(server_ports, settings.temporal_namespace)
        stack = opened.enter_context(Stack(settings))
        cluster = Cluster(stack, store, names)
        _administer({**stack.environment, "DATABASE_URL": store.url("market_owner")}, "migrate")
        _administer(stack.environment, "import-products", str(CATALOG), "--stock", str(STOCK))
        application = _application(cluster, size, folder / "logs")
        cluster.parts = {part.name: part for part in (postgres, *servers, stack.component("standins"), *application)}
        _start_all(opened, application)
        yield cluster


def _start_all(opened: ExitStack, programs: Sequence[Program]) -> None:
    for program in programs:
        opened.callback(program.stop)
        program.spawn()
    for program in programs:
        program.wait_ready()


def _application(cluster: Cluster, size: Size, logs: Path) -> list[Program]:
    """APIs and pages at addresses of their own, as containers have them, the workers, and the load balancer."""
    upstream_api, upstream_web, internal = free_ports(3)
    ports = cluster.stack.settings.ports
    environment = cluster.stack.environment

    def serving(kind: str, number: int, port: int, env: Mapping[str, str]) -> Program:
        host, name = f"127.0.0.{10 * (1 + (kind == 'web')) + number}", f"{kind}-{number}"
        cluster.names.addresses[kind] = [*cluster.names.addresses[kind], host]
        listens = {f"{kind.upper()}_HOST": host, f"{kind.upper()}_PORT": str(port), "METRICS_PORT": ""}
        return Program(
            name,
            [sys.executable, "-m", kind],
            env={**env, **listens},
            cwd=ROOT,
            log=logs / f"{name}.log",
            ready=lambda: _answers(host, port),
            stop_timeout=DRAIN_SECONDS + 12.0,
        )

    pages = {
        "APP_ENV": "development",
        "DRAIN_SECONDS": str(DRAIN_SECONDS),
        "WEB_URL": cluster.pages,
        "WEB_SECRET": secrets.token_hex(32),
        "API_URL": f"http://{LOOPBACK}:{internal}",
        "SANDBOX_URL": cluster.addresses.sandbox,
    }
    apis = [serving("api", number, upstream_api, environment) for number in range(1, size.apis + 1)]
    webs = [serving("web", number, upstream_web, pages) for number in range(1, size.webs + 1)]
    workers = [_worker(number, environment, logs) for number in range(1, size.workers + 1)]
    balancer = load_balancer(
        api=ports.api,
        internal=internal,
        web=ports.web,
        upstream_api=upstream_api,
        upstream_web=upstream_web,
        names=cluster.names.address,
        log=logs / "load-balancer.log",
        ready=lambda: _answers(LOOPBACK, internal) and _answers(LOOPBACK, ports.web, "/"),
    )
    return [*apis, *workers, *webs, balancer]


def _worker(number: int, environment: Mapping[str, str], logs: Path) -> Program:
    name, port = f"worker-{number}", free_port()
    return Program(
        name,
        [sys.executable, "-m", "workers"],
        env={**environment, "METRICS_PORT": str(port)},
        cwd=ROOT,
        log=logs / f"{name}.log",
        ready=lambda: _answers(LOOPBACK, port),
        stop_timeout=12.0,
    )


def _answers(host: str, port: int, path: str = "/readyz") -> bool:
    with suppress(httpx2.TransportError):
        return httpx2.get(f"http://{host}:{port}{path}", timeout=2, trust_env=False).status_code == 200
    return False


def _administer(environment: Mapping[str, str], *arguments: str) -> None:
    argv = [sys.executable, "-m", "services", *arguments]
    done = subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotStart(f"{arguments[0]} failed: {done.stderr or done.stdout}")
