"""The scene of a run: a fresh stack, the application and the buyers as processes, a catalog, and people who buy."""

from __future__ import annotations

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
from sqlalchemy import text

from benchmarks import application, client, processor
from benchmarks.plan import Case, Done, Round
from benchmarks.process import Driver, NotMeasured
from benchmarks.shop import Shop, Shopper
from sandbox.demo.buyers import Buyer, expect
from sandbox.process import wait_until
from sandbox.programs import answers_readyz
from sandbox.settings import Ports, StackSettings
from sandbox.stack import Stack
from services import db
from services.catalog.service import CatalogService
from services.clock import Clock
from services.db import Sessions

ROOT = Path(__file__).resolve().parent.parent
#: A day of a real shop: over a thousand products.
CATALOG = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"
#: Units of each product: more than any run can sell.
STOCK = 10_000_000
#: How many of them are bought.
PRODUCTS = 500
#: Cheap passwords and no limits, which are not what is measured.
SETTINGS = {
    "ORDERS_MAX_UNPAID": "0",
    "RATE_LIMIT_FACTOR": "1000",
    "ARGON2_TIME_COST": "1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_PARALLELISM": "1",
    # what the person at the terminal may have set must not change what is measured
    "LOCAL_LANE": "on",
    "FAULTS": "",
}
#: Seconds in which commands, events and messages must have drained after a round.
DRAINS = 60.0
#: Statuses, by how many orders have them; and what is on its way.
_STATUSES = text("SELECT status, count(*) AS number FROM orders.orders GROUP BY status")
_MESSAGES = text("SELECT status, count(*) AS number FROM notifications.notifications GROUP BY status")
_WAITING = text(
    "SELECT (SELECT count(*) FROM orders.outbox WHERE done_at IS NULL)"
    " + (SELECT count(*) FROM orders.events WHERE notified_at IS NULL)"
    " + (SELECT count(*) FROM notifications.notifications WHERE status = 'queued')"
)


@dataclass(frozen=True)
class Scene:
    """A running system with a shop in it."""

    stack: Stack
    application: Driver
    client: Driver
    sessions: Sessions

    def measure(self, wanted: Round) -> Done:
        """Run one round where its case is driven. Raises NotMeasured."""
        driver = self.client if wanted.case is Case.REST else self.application
        return driver.measure(wanted)

    def drain(self) -> float:
        """Wait until nothing is on its way; returns how many seconds that took. Raises NotMeasured."""
        began = time.monotonic()
        if not wait_until(lambda: not self.waiting(), DRAINS):
            raise NotMeasured(f"{self.waiting()} commands, events or messages are still waiting after {DRAINS:g} s")
        return time.monotonic() - began

    def waiting(self) -> int:
        """How many commands, events and messages are on their way."""
        with self.sessions.begin() as session:
            return int(session.execute(_WAITING).scalar_one())

    def statuses(self) -> dict[str, int]:
        """How many orders there are of each status."""
        with self.sessions.begin() as session:
            return {row.status: row.number for row in session.execute(_STATUSES)}

    def messages(self) -> dict[str, int]:
        """How many messages there are of each status."""
        with self.sessions.begin() as session:
            return {row.status: row.number for row in session.execute(_MESSAGES)}

    def processor_seconds(self) -> dict[str, float]:
        """Processor time of every part until now; empty where the system does not tell."""
        if not processor.countable():
            return {}
        pids = {
            "server": self.stack.pid("temporal"),
            "worker": self.application.pid,
            "database": self.stack.pid("postgres"),
            "sandbox": self.stack.pid("neighbours"),
            "client": self.client.pid,
        }
        return {part: processor.seconds_of(pid) for part, pid in pids.items()}


@contextmanager
def built(folder: Path, buyers: int) -> Iterator[Scene]:
    """Start everything on free ports and fill the shop. Raises CannotStart, NotMeasured."""
    ports = Ports.free()
    settings = StackSettings(folder, ports, application=False, web_ui=False, env=SETTINGS)
    with Stack(settings) as stack:
        environment = stack.environment
        _administer(environment, "migrate")
        _administer(environment, "import-products", str(CATALOG), "--stock", str(STOCK))
        logs = folder / "logs"
        with (
            Driver("application", environment, logs / "application.log", application.run) as working,
            Driver("client", environment, logs / "client.log", client.run, "127.0.0.1", ports.api) as buying,
            _opened(stack.addresses.database) as sessions,
        ):
            _wait_ready(working, ports.api)
            shop = Shop(_products(sessions), _people(stack.addresses.api, buyers), _card(stack.addresses.sandbox))
            for driver in (working, buying):
                driver.open(shop)
            yield Scene(stack, working, buying, sessions)


def _administer(environment: Mapping[str, str], *words: str) -> None:
    argv = [sys.executable, "-m", "services", *words]
    done = subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"{' '.join(words[:1])} failed: {done.stderr or done.stdout}")


@contextmanager
def _opened(database: str) -> Iterator[Sessions]:
    engine = db.connect(database, pool_size=1)
    try:
        yield Sessions(engine)
    finally:
        engine.dispose()


def _wait_ready(working: Driver, port: int) -> None:
    ready = answers_readyz(port)
    if not wait_until(lambda: bool(working.pid) and ready(), 60):
        raise NotMeasured("the application was not ready within 60 s")


def _products(sessions: Sessions) -> list[UUID]:
    return [product.id for product in CatalogService(sessions, Clock()).list(limit=PRODUCTS)]


def _people(api: str, count: int) -> list[Shopper]:
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
