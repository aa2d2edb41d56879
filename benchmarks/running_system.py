"""The system under test: a new stack, the application and the REST client as driver processes, catalog and buyers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx2
import psycopg

from benchmarks import application, client, processor
from benchmarks.plan import Case, Done, Round
from benchmarks.process import Driver, NotMeasured
from benchmarks.shop import Shop, Shopper
from sandbox.demo.buyers import Buyer, expect
from sandbox.layout import ROOT
from sandbox.process import wait_until
from sandbox.programs import answers_readyz
from sandbox.settings import Ports, StackSettings
from sandbox.stack import Stack

#: Over a thousand products.
CATALOG = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"
#: Units of each product: more than a run can sell.
STOCK = 10_000_000
#: Number of products that orders are placed for.
PRODUCTS = 500
#: Cheap password hashes and no limits: they are not measured.
SETTINGS = {
    "ORDERS_MAX_UNPAID": "0",
    "RATE_LIMIT_FACTOR": "1000",
    "ARGON2_TIME_COST": "1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_PARALLELISM": "1",
    # variables of the environment must not change the measurement
    "LOCAL_LANE": "on",
    "FAULTS": "",
}
#: Seconds to wait for commands, events and messages to drain after a round.
DRAIN_TIMEOUT = 60.0
#: Orders and messages by status, and the number of undelivered commands, events and messages.
_STATUSES = "SELECT status, count(*) FROM orders.orders GROUP BY status"
_MESSAGES = "SELECT status, count(*) FROM notifications.notifications GROUP BY status"
_UNDELIVERED = (
    "SELECT (SELECT count(*) FROM orders.outbox WHERE done_at IS NULL)"
    " + (SELECT count(*) FROM orders.events WHERE notified_at IS NULL)"
    " + (SELECT count(*) FROM notifications.notifications WHERE status = 'queued')"
)
_PRODUCTS = "SELECT id FROM catalog.products WHERE is_active ORDER BY id LIMIT %s"


@dataclass(frozen=True)
class RunningSystem:
    """The running system."""

    stack: Stack
    application: Driver
    client: Driver
    connection: psycopg.Connection

    @property
    def database(self) -> str:
        """URL of the database."""
        return self.stack.addresses.database

    @property
    def temporal(self) -> str:
        """`host:port` of the Temporal server."""
        return self.stack.addresses.temporal

    def measure(self, wanted: Round) -> Done:
        """Measure one round with the driver of its case. Raises NotMeasured."""
        driver = self.client if wanted.case is Case.REST else self.application
        return driver.measure(wanted)

    def wait_until_drained(self) -> float:
        """Wait until nothing is undelivered; returns the seconds that it took. Raises NotMeasured."""
        started = time.monotonic()
        if not wait_until(lambda: not self.count_undelivered(), DRAIN_TIMEOUT):
            raise NotMeasured(
                f"{self.count_undelivered()} commands, events or messages are undelivered after {DRAIN_TIMEOUT:g} s"
            )
        return time.monotonic() - started

    def count_undelivered(self) -> int:
        """Number of undelivered commands, events and messages."""
        return int(self.connection.execute(_UNDELIVERED).fetchall()[0][0])

    def statuses(self) -> dict[str, int]:
        """Number of orders by status."""
        return dict(self.connection.execute(_STATUSES).fetchall())

    def messages(self) -> dict[str, int]:
        """Number of messages by status."""
        return dict(self.connection.execute(_MESSAGES).fetchall())

    def broken_invariants(self) -> list[str]:
        """What violates the invariants of the tables, one line each. Raises NotMeasured."""
        checks = json.loads(_administer(self.stack.environment, "reconcile", "--json", "--lag", "0", allowed=(0, 1)))
        return [
            f"{check['id']} {check['description']}: {violation}"
            for check in checks["checks"]
            for violation in check["violations"]
        ]

    def processor_seconds(self) -> dict[str, float]:
        """Processor seconds of each part until now; empty where the system does not provide them."""
        if not processor.countable():
            return {}
        pids = {
            "worker": self.application.pid,
            "temporal": self.stack.pid("temporal"),
            "postgres": self.stack.pid("postgres"),
            "stand-ins": self.stack.pid("standins"),
            "client": self.client.pid,
        }
        return {part: processor.seconds_of(pid) for part, pid in pids.items()}


@contextmanager
def running_system(folder: Path, buyers: int) -> Iterator[RunningSystem]:
    """Start the system on free ports and create products and buyers. Raises CannotStart, NotMeasured."""
    ports = Ports.free()
    settings = StackSettings(folder, ports, application=False, web_ui=False, env=SETTINGS)
    with Stack(settings) as stack:
        environment = stack.environment
        _administer(environment, "migrate")
        _administer(environment, "import-products", str(CATALOG), "--stock", str(STOCK))
        logs = folder / "logs"
        with (
            Driver("application", environment, logs / "application.log", application.run) as application_driver,
            Driver("client", environment, logs / "client.log", client.run, "127.0.0.1", ports.api) as client_driver,
            psycopg.connect(stack.addresses.database, autocommit=True) as connection,
        ):
            _wait_ready(application_driver, ports.api)
            shop = Shop(_products(connection), _shoppers(stack.addresses.api, buyers), _card(stack.addresses.sandbox))
            for driver in (application_driver, client_driver):
                driver.send_shop(shop)
            yield RunningSystem(stack, application_driver, client_driver, connection)


def _administer(environment: Mapping[str, str], *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
    argv = [sys.executable, "-m", "services", *arguments]
    done = subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise NotMeasured(f"{arguments[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


def _wait_ready(application_driver: Driver, port: int) -> None:
    ready = answers_readyz(port)
    if not wait_until(lambda: bool(application_driver.pid) and ready(), 60):
        raise NotMeasured("the application was not ready within 60 s")


def _products(connection: psycopg.Connection) -> list[UUID]:
    return [product_id for (product_id,) in connection.execute(_PRODUCTS, [PRODUCTS])]


def _shoppers(api: str, count: int) -> list[Shopper]:
    buyers = [Buyer(str(number), email=f"buyer-{number}@example.com", phone=None) for number in range(count)]
    with httpx2.Client(base_url=f"{api}/api/v1", timeout=60) as http, ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda buyer: _signed_up(http, buyer), buyers))


def _signed_up(http: httpx2.Client, buyer: Buyer) -> Shopper:
    buyer.sign_up(http)
    profile = expect(http.get("/users/me", headers=buyer.headers()), 200)
    return Shopper(UUID(profile["id"]), buyer.token)


def _card(sandbox: str) -> str:
    scripts = httpx2.get(f"{sandbox}/scripts").json()
    cards = [script["value"] for script in scripts if (script["method"], script["behaviour"]) == ("card", "succeeds")]
    return str(cards[0])
