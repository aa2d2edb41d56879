"""A running shop: customers use its HTTP API, and tests read its database, ledger and inbox."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from sandbox.demo.audit import run_audit
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, free_port
from sandbox.programs import Program, answers_readyz
from sandbox.stack import Stack
from services import db
from tests.journeys.customers import Customer
from tests.journeys.waiting import TIMEOUT, until

#: Settings of every shop: password hashing with the smallest cost.
CHEAP_PASSWORDS = {"ARGON2_TIME_COST": "1", "ARGON2_MEMORY_KIB": "64", "ARGON2_PARALLELISM": "1"}
#: Seconds until all messages must be sent; the lease of a killed worker's messages ends after a minute.
DELIVERY_TIMEOUT = 100.0
_UNSENT = """
    SELECT key FROM notifications.notifications WHERE status = 'queued'
     UNION ALL SELECT key FROM orders.events WHERE notified_at IS NULL
"""
PRODUCTS = 24
PRICE = "1299.00"
STOCK = 1000


def address_of(api: Program) -> str:
    """The base URL of an API that `Shop.another_api` made."""
    return f"http://{LOOPBACK}:{api.name.rpartition('-')[2]}"


class Shop:
    """A running shop; `stack` kills and starts its processes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._database = db.connect(stack.addresses.database, pool_size=2)
        self._sandbox = httpx2.Client(base_url=stack.addresses.sandbox, timeout=TIMEOUT)
        self._numbers = itertools.count(1)
        self._products = self._fill()
        self._customers: list[Customer] = []

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
        self._sandbox.close()
        for customer in self._customers:
            customer.http.close()

    def customer(self, language: str = "en", *, phone: str | None = None, api: str | None = None) -> Customer:
        """A new customer, registered by e-mail unless a phone is given; `api`: the base URL that they use."""
        identifier = {"phone": phone} if phone else {"email": f"customer-{next(self._numbers)}@example.com"}
        made = Customer(api or self.stack.addresses.api, language, identifier)
        self._customers.append(made)
        made.register()
        made.log_in()
        return made

    def product(self) -> str:
        """The id of a product without orders: 1299.00 RUB, 1000 units in stock."""
        return next(self._products)

    def ledger(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """The provider's own records of an order's payment."""
        reference = order["payment"]["paymentId"]
        items: list[dict[str, Any]] = self._sandbox.get("/ledger", params={"reference": reference}).json()["items"]
        return items

    def inbox(self, to: str) -> list[dict[str, Any]]:
        """All messages to an e-mail address or phone number, newest last."""
        items: list[dict[str, Any]] = self._sandbox.get("/inbox", params={"to": to}).json()["items"]
        return items

    def paying(self, method: str, behaviour: str) -> str:
        """The first test card or phone of the provider with this behaviour."""
        scripts = self._sandbox.get("/scripts").json()
        return next(
            str(script["value"]) for script in scripts if (script["method"], script["behaviour"]) == (method, behaviour)
        )

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement selects."""
        return [tuple(row) for row in self._database.fetch_all(statement, values)]

    def stock(self, product_id: str) -> tuple[int, int, int]:
        """How many of a product are available, reserved and sold."""
        statement = "SELECT available, reserved, sold FROM reservations.stocks WHERE product_id = %(id)s"
        ((available, reserved, sold),) = self.rows(statement, id=product_id)
        return available, reserved, sold

    def metrics(self) -> str:
        """The metrics of the worker's process, as text."""
        addresses = self.stack.addresses
        return httpx2.get(addresses.metrics or f"{addresses.api}/metrics").raise_for_status().text

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels; 0 without one."""
        samples = [sample for family in text_string_to_metric_families(self.metrics()) for sample in family.samples]
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    def arm(self, step: str, point: str) -> None:
        """Kill the worker (SIGKILL) when it next reaches this fault point, which its `FAULTS` must name."""
        (self.stack.settings.data_dir / f"fault-{step}-{point}").unlink()

    def another_api(self, *, log: Path | None = None, **settings: str) -> Program:
        """Another API process of this shop on a free port, not started: `api-<port>`; `log`: where its output goes."""
        port = free_port()
        name = f"api-{port}"
        return Program(
            name,
            [sys.executable, "-m", "api"],
            env={**self.stack.environment, "API_PORT": str(port), **settings},
            cwd=ROOT,
            log=log or self.stack.settings.data_dir / "logs" / f"{name}.log",
            ports={"API_PORT": port},
            ready=answers_readyz(port),
        )

    def another_worker(self, *, log: Path | None = None, **settings: str) -> Program:
        """Another worker of this shop, not started: `workers-<port of its metrics>`; `log`: where its output goes."""
        port = free_port()
        name = f"workers-{port}"
        return Program(
            name,
            [sys.executable, "-m", "workers"],
            env={**self.stack.environment, "METRICS_PORT": str(port), **settings},
            cwd=ROOT,
            log=log or self.stack.settings.data_dir / "logs" / f"{name}.log",
            ports={"METRICS_PORT": port},
        )

    def outcome(self, order_id: str) -> str:
        """Wait until the order's workflow has started and ended; returns its outcome. Raises TimeoutError."""

        async def result() -> Any:
            workflow = await self.workflow(order_id)
            while not await _exists(workflow):  # the API starts it in the background
                await asyncio.sleep(0.1)
            return await workflow.result()

        return str(asyncio.run(asyncio.wait_for(result(), TIMEOUT))["status"])

    async def workflow(self, order_id: str) -> WorkflowHandle[Any, Any]:
        """The workflow of an order."""
        return (await self.temporal()).get_workflow_handle(f"order-{order_id}")

    async def temporal(self) -> Client:
        """A connection to Temporal."""
        return await Client.connect(self.stack.addresses.temporal, namespace=self.stack.settings.temporal_namespace)

    def wait_for_delivery(self) -> None:
        """Wait until every message is sent. Raises TimeoutError."""
        until(lambda: self.rows(_UNSENT), lambda found: not found, DELIVERY_TIMEOUT)

    def violations(self) -> list[str]:
        """Differences between our tables, the provider's ledger and the inbox, after every message is sent.

        A mail whose sender was killed before it recorded the delivery is sent again with the same Message-ID. Mail
        clients show it once (FAULTS F66, F67), but the inbox keeps both deliveries.
        """
        addresses = self.stack.addresses
        checks = run_audit(addresses.database, addresses.sandbox, timeout=DELIVERY_TIMEOUT)
        found = [f"{check.id} ({check.description}): {wrong}" for check in checks for wrong in check.violations]
        resent = {f"message {message_id}: delivered" for message_id in self._mails()} if self.killed else set()
        return [line for line in found if not any(again in line for again in resent)]

    @property
    def killed(self) -> bool:
        """Whether tests kill the workers of this shop."""
        return "FAULTS" in self.stack.settings.env

    def _mails(self) -> set[str]:
        items = self._sandbox.get("/inbox", params={"channel": "email"}).json()["items"]
        headers = [{name.lower(): value for name, value in item["headers"].items()} for item in items]
        return {str(one["message-id"]).strip("<>").split("@")[0] for one in headers}

    def _fill(self) -> Iterator[str]:
        goods = self.stack.settings.data_dir / "goods.csv"
        rows = [f"L-{number},Lantern {number},{PRICE},RUB,{STOCK}" for number in range(PRODUCTS)]
        goods.write_text("\n".join(["sku,name,price,currency,stock", *rows]))
        self._administer("import-products", goods)
        with httpx2.Client(base_url=self.stack.addresses.api) as http:
            items = http.get("/api/v1/products", params={"limit": 100}).raise_for_status().json()["items"]
        return iter([str(item["id"]) for item in items])

    def _administer(self, command: str, file: Path) -> None:
        argv = [sys.executable, "-m", "services", command, str(file)]
        subprocess.run(argv, cwd=ROOT, env=self.stack.environment, check=True, capture_output=True)


async def _exists(workflow: WorkflowHandle[Any, Any]) -> bool:
    try:
        await workflow.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
