"""Orders of every kind around a backup, and what must hold once an older state is restored (F17, F79)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import httpx2
import psycopg

from sandbox.layout import ROOT
from sandbox.stack import Stack
from tests.journeys.customers import FINAL_STATUSES, Customer
from tests.journeys.shop import PRICE, Shop
from tests.journeys.waiting import until
from workflows.maintenance import PeriodicWorkflow

_OURS = "SELECT id, provider_id, captured_minor - refunded_minor AS kept, order_id FROM payments.payments"
#: Seconds that a restore takes in these tests, for the rows and for the provider.
_RESTORE_TOOK = 600
_AGE = "UPDATE orders.orders SET updated_at = updated_at - make_interval(secs => %s)"
_AGE_PAYMENTS = "UPDATE payments SET created_ms = created_ms - ?"
#: Seconds within which an order that its workflow has left goes on.
RECOVERED_WITHIN = 90.0


@dataclass(frozen=True)
class Orders:
    """Orders of each kind, by their ids; `later` are placed after the backup."""

    buyer: Customer
    other: Customer
    confirmed: str
    refunded: str
    untouched: str
    pays: str
    pays_slowly: str
    cancels_after_paying: str
    in_middle: str
    cancelled_later: str

    @classmethod
    def placed(cls, shop: Shop, product: str) -> Orders:
        """Orders as they are at the time of the backup."""
        buyer, other = shop.customer(), shop.customer()
        made = cls(
            buyer,
            other,
            confirmed=buyer.place(product, card="tok_succeeds"),
            refunded=other.place(product, card="tok_answers_later_1"),
            untouched=buyer.place(product),
            pays=buyer.place(product),
            pays_slowly=buyer.place(product),
            cancels_after_paying=buyer.place(product),
            in_middle=other.place(product, card="tok_answers_later_6"),
            cancelled_later=other.place(product, card="tok_answers_later_6"),
        )
        other.wait_for_event(made.refunded, "payment_waiting")
        other.step(made.refunded, "cancel")
        buyer.wait_for_status(made.confirmed, "confirmed")
        other.wait_for_status(made.refunded, "cancelled")
        for waiting in (made.untouched, made.pays, made.pays_slowly, made.cancels_after_paying):
            buyer.wait_for_status(waiting, "reserved")
        for waiting in (made.in_middle, made.cancelled_later):
            other.wait_for_event(waiting, "payment_waiting")
        return made

    def go_on(self, product: str) -> tuple[str, str]:
        """What happens after the backup; returns two later orders, the one confirmed and the other open."""
        later = self.buyer.place(product, card="tok_succeeds"), self.other.place(product)
        for paid in (self.pays, self.cancels_after_paying):
            self.buyer.step(paid, "pay", card="tok_succeeds")
        self.buyer.step(self.pays_slowly, "pay", card="tok_answers_later_30")
        self.other.step(self.cancelled_later, "cancel")
        for ended in (self.pays, self.cancels_after_paying, later[0]):
            self.buyer.wait_for_status(ended, "confirmed")
        self.other.wait_for_status(self.in_middle, "confirmed")
        self.other.wait_for_status(self.cancelled_later, "cancelled")
        self.other.wait_for_status(later[1], "reserved")
        self.buyer.wait_for_event(self.pays_slowly, "payment_waiting")
        return later


def start_after_restore(stack: Stack) -> None:
    """Start a stack whose stores were restored, as if that had taken ten minutes."""
    with closing(sqlite3.connect(stack.settings.data_dir / "provider.sqlite")) as provider, provider:
        provider.execute(_AGE_PAYMENTS, [_RESTORE_TOOK * 1000])
    stack.start()
    with psycopg.connect(stack.addresses.database) as connection:
        connection.execute(_AGE, [_RESTORE_TOOK])


def go_on_after_restore(shop: Shop, orders: Orders, gone: str, gone_open: str) -> None:
    """Buyers go on as they see their orders, and a person sends back what was paid for the order that is gone.

    Every order must reach its end, and our tables, Temporal and the provider agree.
    """
    buyer, other = orders.buyer, orders.other

    # Buyers go on as they see their orders.
    for paid in (orders.untouched, orders.pays):
        buyer.step(paid, "pay", card="tok_succeeds")
    # The same card: another one is looked up from the time of the order on, before which the payments were put.
    buyer.step(orders.pays_slowly, "pay", card="tok_answers_later_30")
    buyer.step(orders.cancels_after_paying, "cancel")
    ends = {
        orders.confirmed: "confirmed",
        orders.refunded: "cancelled",
        orders.untouched: "confirmed",
        orders.pays: "confirmed",
        orders.pays_slowly: "confirmed",
        orders.cancels_after_paying: "cancelled",
        orders.in_middle: "confirmed",
        orders.cancelled_later: "cancelled",
    }
    for order, end in ends.items():
        customer = buyer if order in [each["id"] for each in buyer.orders()] else other
        seen = until(partial(customer.order, order), lambda read: read["status"] in FINAL_STATUSES, RECOVERED_WITHIN)
        assert seen["status"] == end
    assert buyer.http.get(f"/orders/{gone}").status_code == 404

    # Only the money of the order that is gone is left for a person.
    look_at_provider(shop)
    left = until(lambda: violations(shop.stack), lambda found: [each for each, _ in found] == ["I13"], 90)
    listed = command(shop.stack, "lost-payments")
    assert (listed.count("\n    order "), f"order {gone}\n" in listed) == (1, True)
    assert left[0][1]["provider"] in listed
    assert f"{PRICE} RUB" in listed
    assert "Sent back: 1 of 1." in command(shop.stack, "lost-payments", "--refund")
    until(lambda: disagreements(shop), lambda found: not found)
    assert until(lambda: violations(shop.stack), lambda found: not found, 30) == []
    assert gone_open not in [each["id"] for each in other.orders()]


def command(stack: Stack, *words: str, exits: int = 0) -> str:
    """Run an administration command; returns what it prints."""
    argv = [sys.executable, "-m", "services", *words]
    done = subprocess.run(argv, cwd=ROOT, env=stack.environment, capture_output=True, text=True)
    assert done.returncode == exits, done.stdout + done.stderr
    return done.stdout


def violations(stack: Stack) -> list[tuple[str, dict[str, str]]]:
    """What the reconciler finds after a repair, by invariant, with the ids."""
    argv = [sys.executable, "-m", "services", "reconcile", "--repair", "--json", "--lag", "5", "--since", "1"]
    done = subprocess.run(argv, cwd=ROOT, env=stack.environment, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["complete"], done.stdout
    return [(check["id"], each["ids"]) for check in report["checks"] for each in check["violations"]]


def look_at_provider(shop: Shop) -> None:
    """Run the jobs that read the provider's lists."""

    async def run(job: str) -> None:
        workflow = (await shop.temporal()).get_workflow_handle(job)
        await workflow.signal(PeriodicWorkflow.run_now)

    for job in ("find-provider-payments", "find-provider-refunds"):
        asyncio.run(run(job))


def disagreements(shop: Shop) -> list[str]:
    """Payments whose kept money differs between our tables and the provider, and orders that were charged twice."""
    items = httpx2.get(f"{shop.stack.addresses.sandbox}/ledger").json()["items"]
    kept = {item["paymentId"]: _kept(item) for item in items}
    ours = shop.rows(_OURS)
    wrong = [
        f"{row[0]}: {row[2]}, the provider {kept.get(row[1])}" for row in ours if row[1] and row[2] != kept[row[1]]
    ]
    known = {row[1] for row in ours}
    wrong += [f"unknown: {provider_id}" for provider_id, minor in kept.items() if minor and provider_id not in known]
    paid = [row[3] for row in ours if row[2]]
    return wrong + [f"charged twice: {order}" for order in set(paid) if paid.count(order) > 1]


def _kept(item: dict[str, Any]) -> int:
    if item["status"] != "succeeded":
        return 0
    back = sum(Decimal(each["amount"]) for each in item["refunds"] if each["status"] == "succeeded")
    return int((Decimal(item["amount"]) - back) * 100)
