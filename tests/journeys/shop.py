"""A whole running shop as its customers meet it, over HTTP; and what its owner can look up behind it."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text

from sandbox.layout import ROOT
from sandbox.ports import free_port
from sandbox.programs import Program, answers_readyz
from sandbox.stack import Stack
from sandbox.verdict import verdict
from services import db
from services.db import Sessions
from tests.journeys.customers import Customer
from tests.journeys.patience import LONGEST

#: What every journey is set up with: cheap passwords.
CHEAP = {"ARGON2_TIME_COST": "1", "ARGON2_MEMORY_KIB": "64", "ARGON2_PARALLELISM": "1"}
PRODUCTS = 24
PRICE = "1299.00"
STOCK = 1000


class Shop:
    """Its parts can be killed and started by `stack`."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._engine = db.connect(stack.addresses.database, pool_size=2)
        self._sandbox = httpx2.Client(base_url=stack.addresses.sandbox, timeout=LONGEST)
        self._numbers = itertools.count(1)
        self._products = self._fill()
        self._customers: list[Customer] = []

    def close(self) -> None:
        """Give back connections."""
        self._engine.dispose()
        self._sandbox.close()
        for customer in self._customers:
            customer.http.close()

    def customer(self, language: str = "en", *, phone: str | None = None, api: str | None = None) -> Customer:
        """Somebody new with an account: by e-mail, unless a phone is given; `api`: the address they use."""
        identifier = {"phone": phone} if phone else {"email": f"customer-{next(self._numbers)}@example.com"}
        made = Customer(api or self.stack.addresses.api, language, identifier)
        self._customers.append(made)
        made.register()
        made.log_in()
        return made

    def product(self) -> str:
        """The id of a product that nobody has bought yet: 1299 roubles, a thousand in stock."""
        return next(self._products)

    def ledger(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """What the provider itself believes about an order's payment."""
        reference = order["payment"]["paymentId"]
        items: list[dict[str, Any]] = self._sandbox.get("/ledger", params={"reference": reference}).json()["items"]
        return items

    def inbox(self, to: str) -> list[dict[str, Any]]:
        """Everything that arrived at an address or number, newest last."""
        items: list[dict[str, Any]] = self._sandbox.get("/inbox", params={"to": to}).json()["items"]
        return items

    def paying(self, method: str, behaviour: str) -> str:
        """The first card or phone of the provider that behaves so."""
        scripts = self._sandbox.get("/scripts").json()
        return next(
            str(script["value"]) for script in scripts if (script["method"], script["behaviour"]) == (method, behaviour)
        )

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What the database says."""
        with Sessions(self._engine).begin() as session:
            return [tuple(row) for row in session.execute(text(statement), values)]

    def stock(self, product_id: str) -> tuple[int, int, int]:
        """How many of a product are available, reserved and sold."""
        statement = "SELECT available, reserved, sold FROM reservations.stocks WHERE product_id = :id"
        ((available, reserved, sold),) = self.rows(statement, id=product_id)
        return available, reserved, sold

    def arm(self, step: str, point: str) -> None:
        """Have the worker die (kill -9) when it next comes to this point; its `FAULTS` must name it."""
        (self.stack.settings.data_dir / f"fault-{step}-{point}").unlink()

    def api_of_its_own(self, **settings: str) -> Program:
        """Another api of this shop on a port of its own, not started: `api-<port>`."""
        port = free_port()
        name = f"api-{port}"
        return Program(
            name,
            [sys.executable, "-m", "api"],
            env={**self.stack.environment, "API_PORT": str(port), **settings},
            cwd=ROOT,
            log=self.stack.settings.data_dir / "logs" / f"{name}.log",
            ports={"API_PORT": port},
            ready=answers_readyz(port),
        )

    def violations(self) -> list[str]:
        """What our tables, the provider's ledger and the inbox disagree about, once everything has drained."""
        addresses = self.stack.addresses
        checks = verdict(addresses.database, addresses.sandbox, patience=LONGEST)
        return [f"{check.id} ({check.says}): {wrong}" for check in checks for wrong in check.violations]

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
