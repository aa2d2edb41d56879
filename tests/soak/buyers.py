"""Buyers of a run: each planned order over the REST API, repeated with its Idempotency-Key until it is answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx2

from tests.journeys.customers import Customer
from tests.soak.plan import BUYERS, PlannedOrder
from tests.soak.run_clock import RunClock
from tests.soak.system import RESPONDS_WITHIN, System

#: Orders that are being placed, paid or cancelled at a time.
CONCURRENT = 24
#: Seconds for which a request is repeated, and between two attempts.
GIVE_UP, AGAIN = 120.0, 0.5
#: The API is away, or the first request with the key is still running.
REPEATED = {409, 429, 503}
IN_PROGRESS = "idempotency-in-progress"


class GaveUp(Exception):
    """A request was not answered within two minutes."""


@dataclass
class Placed:
    """A planned order and the id it got; None when its request was never answered."""

    planned: PlannedOrder
    number: int
    order_id: str | None = None


@dataclass
class Buyers:
    """Places the orders of a plan at their times; `run` returns when every request has been answered."""

    system: System
    clock: RunClock
    cards: Mapping[tuple[str, str], str]
    products: Sequence[str]
    statuses: Counter[str] = field(default_factory=Counter)
    #: responses that no client should see
    unexpected: list[str] = field(default_factory=list)
    _customers: list[Customer] = field(default_factory=list)

    @classmethod
    def of(cls, system: System, clock: RunClock) -> Buyers:
        """Buyers who are registered, half of them by e-mail and half by phone."""
        scripts = system.sandbox.get("/scripts").json()
        cards: dict[tuple[str, str], str] = {}
        for script in scripts:
            cards.setdefault((script["method"], script["behaviour"]), script["value"])
        buyers = cls(system, clock, cards, system.products())
        for number in range(BUYERS):
            by_phone = {"phone": f"+7916123450{number}"}
            identifier = by_phone if number % 2 else {"email": f"soak-{number}@example.com"}
            buyers._customers.append(_registered(system, identifier))
        return buyers

    def close(self) -> None:
        """Close all connections."""
        for customer in self._customers:
            customer.http.close()

    def run(self, orders: Sequence[PlannedOrder]) -> list[Placed]:
        """Place all orders. Raises RunStopped."""
        placed = [Placed(planned, number) for number, planned in enumerate(orders)]
        with ThreadPoolExecutor(CONCURRENT, "buyer") as pool, self.clock.stopped_by_errors():
            running = []
            for one in placed:
                self.clock.wait_until(one.planned.at)
                running.append(pool.submit(self._buy, one))
            for each in running:
                each.result()
        return placed

    def _buy(self, placed: Placed) -> None:
        planned = placed.planned
        customer = self._customers[planned.buyer]
        paid_by = {planned.method.value: self.cards[planned.method, planned.behaviour]}
        try:
            self._place(placed, customer, paid_by if planned.pays_after is None else {})
            if planned.pays_after is not None:
                self.clock.wait(planned.pays_after)
                self._step(placed, customer, "pay", paid_by)
            if planned.cancels_after is not None:
                self.clock.wait(planned.cancels_after)
                self._step(placed, customer, "cancel", {})
        except GaveUp as reason:
            self.unexpected.append(str(reason))

    def _place(self, placed: Placed, customer: Customer, paid_by: Mapping[str, str]) -> None:
        product = self.products[placed.number % len(self.products)]
        quantity, waits = placed.planned.quantity, placed.planned.waits
        headers = {"Idempotency-Key": f"soak-{placed.number}", "Prefer": f"wait={waits}"}
        answer = self._repeated(
            "place", lambda: customer.post_order(product, quantity=quantity, headers=headers, **paid_by), {201}
        )
        if answer.status_code == 201:
            placed.order_id = str(answer.json()["orderId"])

    def _step(self, placed: Placed, customer: Customer, name: str, body: Mapping[str, str]) -> None:
        """Pay or cancel; 409 says that the order has gone on."""
        if placed.order_id is not None:
            path = f"/orders/{placed.order_id}/{name}"
            key = {"Idempotency-Key": f"soak-{placed.number}-{name}"}
            self._repeated(name, lambda: customer.http.post(path, json=dict(body), headers=key), {200, 202, 409})

    def _repeated(self, name: str, send: Callable[[], httpx2.Response], expected: set[int]) -> httpx2.Response:
        ends = self.clock.now + GIVE_UP
        while self.clock.now < ends:
            try:
                answer = send()
            except httpx2.TransportError as error:
                self.statuses[f"{name} {type(error).__name__}"] += 1
            else:
                self.statuses[f"{name} {answer.status_code}"] += 1
                if not _is_to_repeat(answer, expected):
                    if answer.status_code not in expected:
                        self.unexpected.append(f"{name}: {answer.status_code} {answer.text[:300]}")
                    return answer
            self.clock.wait(AGAIN)
        raise GaveUp(f"{name}: not answered within {GIVE_UP:g} s")


def _is_to_repeat(answer: httpx2.Response, expected: set[int]) -> bool:
    if answer.status_code not in REPEATED:
        return False
    return answer.status_code not in expected or IN_PROGRESS in answer.text


def _registered(system: System, identifier: Mapping[str, str]) -> Customer:
    customer = Customer(system.stack.addresses.api, "en", identifier)
    customer.http.timeout = httpx2.Timeout(RESPONDS_WITHIN)
    customer.register()
    customer.log_in()
    return customer
