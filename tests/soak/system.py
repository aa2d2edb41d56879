"""The system of a run: its own processes on this machine, with a proxy before PostgreSQL and before Temporal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from temporalio.client import Client

from sandbox.addresses import Secrets
from sandbox.datadir import DataDir
from sandbox.layout import ROOT, Layout
from sandbox.settings import StackSettings
from sandbox.stack import Stack
from services import db
from services.db import Database
from tests.fakes.proxy import TcpProxy

#: Cheap password hashes, no limits, and terms that are over within a run. Seconds.
SETTINGS = {
    "ORDERS_MAX_UNPAID": "0",
    "HOLD_MAX_SHARE": "1",
    "MESSAGE_BUDGET_FACTOR": "0",
    "SMS_PER_HOUR": "0",
    "RATE_LIMIT_FACTOR": "10000",
    "ARGON2_TIME_COST": "1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_PARALLELISM": "1",
    "PAYMENT_WINDOW": "45",
    "HOLD_SECONDS": "240",
    "ATTENTION_AFTER": "15",
}
GOODS = "sku,name,price,currency,stock\nSOAK-1,Lantern,1299.00,RUB,100000\nSOAK-2,Candle,99.00,RUB,100000\n"
RECONCILE_TIMEOUT = 120
RESPONDS_WITHIN = 10.0


@dataclass(frozen=True)
class System:
    """A running stack, the proxies by their names in a plan, and a connection to its database without a proxy."""

    stack: Stack
    links: Mapping[str, TcpProxy]
    database: Database
    sandbox: httpx2.Client

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """The rows that a statement selects."""
        return list(self.database.fetch_all(statement, values))

    def ledger(self) -> list[dict[str, Any]]:
        """All payments in the provider's own ledger."""
        items: list[dict[str, Any]] = self.sandbox.get("/ledger").raise_for_status().json()["items"]
        return items

    def products(self) -> list[str]:
        """Ids of the products that can be ordered."""
        return [str(row.id) for row in self.rows("SELECT id FROM catalog.products ORDER BY sku")]

    async def temporal(self) -> Client:
        """A connection to Temporal, past the proxy."""
        return await Client.connect(self.stack.addresses.temporal, namespace=self.stack.settings.temporal_namespace)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m services …` in the environment of the system."""
        argv = [sys.executable, "-m", "services", *arguments]
        return subprocess.run(
            argv, cwd=ROOT, env=self.stack.environment, capture_output=True, text=True, timeout=RECONCILE_TIMEOUT
        )

    def operator_token(self) -> str:
        """An access token of an operator."""
        minted = self.run("token", "--role", "operator", "--name", "soak")
        minted.check_returncode()
        return minted.stdout.strip()


@contextmanager
def running_system(folder: Path) -> Iterator[System]:
    """A system with two products, on free ports of the loopback address, with its data in `folder`.

    PostgreSQL is durable: without, a kill would lose transactions that were committed. Raises CannotStart.
    """
    settings = replace(StackSettings.for_tests(folder), separate=True, durable=True)
    direct = Layout(settings, folder, Secrets.of(DataDir(folder))).addresses
    links = {"database link": TcpProxy(direct.database), "temporal link": TcpProxy(direct.temporal)}
    with ExitStack() as opened:
        for proxy in links.values():
            opened.enter_context(proxy.running())
        through = {
            "DATABASE_URL": links["database link"].address,
            "TEMPORAL_ADDRESS": links["temporal link"].address,
        }
        stack = opened.enter_context(Stack(replace(settings, env={**SETTINGS, **through})))
        database = db.connect(direct.database, pool_size=4)
        opened.callback(database.close)
        sandbox = opened.enter_context(httpx2.Client(base_url=direct.sandbox, timeout=RESPONDS_WITHIN))
        system = System(stack, links, database, sandbox)
        _import_goods(system, folder)
        yield system


def _import_goods(system: System, folder: Path) -> None:
    goods = folder / "goods.csv"
    goods.write_text(GOODS)
    system.run("import-products", str(goods)).check_returncode()
