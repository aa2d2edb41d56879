"""The system under test: a new stack, the application and the REST client as driver processes, catalog and buyers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks import application, client, processor
from benchmarks.plan import Case, Done, Round
from benchmarks.process import Driver, NotMeasured, RoundDriver
from benchmarks.shop import Shop
from benchmarks.shop_setup import PRODUCTS, make_shop
from sandbox.layout import ROOT
from sandbox.process import wait_until
from sandbox.programs import answers_readyz
from sandbox.settings import Ports, StackSettings
from sandbox.stack import Stack

#: Over a thousand products.
CATALOG = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"
#: Units of each product: more than a run can sell.
STOCK = 10_000_000
#: Cheap password hashes and no limits: they are not measured.
SETTINGS = {
    "ORDERS_MAX_UNPAID": "0",
    "HOLD_MAX_SHARE": "1",
    "MESSAGE_BUDGET_FACTOR": "0",
    "SMS_PER_HOUR": "0",
    "RATE_LIMIT_FACTOR": "1000",
    "ARGON2_TIME_COST": "1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_PARALLELISM": "1",
    # as in production: the sandbox costs the floor as much as the saga
    "WORKFLOW_SANDBOX": "off",
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


@dataclass(frozen=True)
class RunningSystem:
    """The running system."""

    stack: Stack
    application: Driver
    client: Driver
    #: connection of the benchmark itself
    connection: psycopg.Connection
    shop: Shop
    #: other drivers, by the case that they measure
    peers: Mapping[Case, RoundDriver] = field(default_factory=dict)
    #: pids of further processes, by the part that they count for
    more: Mapping[str, int] = field(default_factory=dict)

    @property
    def database(self) -> str:
        """URL of the database."""
        return self.stack.addresses.database

    @property
    def database_log(self) -> Path:
        """The log file of the PostgreSQL server."""
        return self.stack.settings.data_dir / "logs" / "postgres.log"

    @property
    def temporal(self) -> str:
        """`host:port` of the Temporal server."""
        return self.stack.addresses.temporal

    def measure(self, wanted: Round) -> Done:
        """Measure one round with the driver of its case. Raises NotMeasured."""
        driver = self.client if wanted.case is Case.REST else self._worker(wanted.case)
        return driver.measure(wanted)

    def _worker(self, case: Case) -> RoundDriver:
        return self.peers.get(case, self.application)

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
        of_tables = ("reconcile", "--json", "--lag", "0", "--without-temporal", "--without-provider")
        checks = json.loads(_administer(self.stack.environment, *of_tables, allowed=(0, 1)))
        return [
            f"{check['id']} {check['description']}: {violation['sentence']}"
            for check in checks["checks"]
            for violation in check["violations"]
        ]

    def processor_seconds(self, case: Case = Case.SAGA) -> dict[str, float]:
        """Processor seconds of each part until now; empty where the system does not provide them.

        `worker` is the process that runs the workflows of this case.
        """
        if not processor.countable():
            return {}
        pids = {
            "worker": self._worker(case).pid,
            "temporal": self.stack.pid("temporal"),
            "postgres": self.stack.pid("postgres"),
            "stand-ins": self.stack.pid("standins"),
            "client": self.client.pid,
        }
        seconds = {part: processor.seconds_of(pid) for part, pid in pids.items()}
        return seconds | {part: seconds[part] + processor.seconds_of(pid) for part, pid in self.more.items()}


@contextmanager
def running_system(
    folder: Path, buyers: int, *, products: int = PRODUCTS, explain: bool = False
) -> Iterator[RunningSystem]:
    """Start the system on free ports and create products and buyers; orders are for so many `products`.

    `explain` loads PostgreSQL's auto_explain into every connection, switched off. Raises CannotStart, NotMeasured.
    """
    ports = Ports.free()
    settings = StackSettings(folder, ports, application=False, web_ui=False, env=SETTINGS)
    with Stack(settings) as stack:
        environment = stack.environment
        _administer(environment, "migrate")
        _administer(environment, "import-products", str(CATALOG), "--stock", str(STOCK))
        if explain:
            _load_auto_explain(stack.addresses.database)
        logs = folder / "logs"
        with (
            Driver("application", environment, logs / "application.log", application.run) as application_driver,
            Driver("client", environment, logs / "client.log", client.run, "127.0.0.1", ports.api) as client_driver,
            psycopg.connect(stack.addresses.database, autocommit=True) as connection,
        ):
            _wait_ready(application_driver, ports.api)
            shop = make_shop(connection, stack.addresses, buyers, products=products)
            for driver in (application_driver, client_driver):
                driver.send_shop(shop)
            yield RunningSystem(stack, application_driver, client_driver, connection, shop)


def _administer(environment: Mapping[str, str], *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
    argv = [sys.executable, "-m", "services", *arguments]
    done = subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise NotMeasured(f"{arguments[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


def _load_auto_explain(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET session_preload_libraries = auto_explain").format(name))


def _wait_ready(application_driver: Driver, port: int) -> None:
    ready = answers_readyz(port)
    if not wait_until(lambda: bool(application_driver.pid) and ready(), 60):
        raise NotMeasured("the application was not ready within 60 s")
