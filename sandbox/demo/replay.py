"""Replays the planned orders of a day through the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2
from rich.console import Console

from sandbox.demo.buyers import Buyer, Order, PaymentMethods, place, wait_until_final
from sandbox.demo.invoices import Day, PlannedOrder
from sandbox.demo.tables import progress_bar
from services import db
from services.catalog.service import CatalogService

#: Orders in flight.
MAX_CONCURRENT = 8


def payment_methods(sandbox: str) -> PaymentMethods:
    """Choose the cards and the phone from the stand-in's list of test cards."""
    test_cards = httpx2.get(f"{sandbox}/scripts").json()
    first = {(card["method"], card["behaviour"]): card["value"] for card in reversed(test_cards)}
    return PaymentMethods(
        card=first["card", "succeeds"],
        phone=first["phone", "succeeds"],
        declined_card=first["card", "declines"],
        slow_card=first["card", "answers_later"],
    )


def product_ids(database: str) -> dict[str, str]:
    """Product ids by SKU, from the database: the API does not show SKUs to buyers."""
    tables = db.connect(database, pool_size=1)
    catalog = CatalogService(tables)
    products: dict[str, str] = {}
    after = None
    while page := catalog.list(after=after, limit=1000):
        products |= {product.sku: str(product.id) for product in page}
        after = page[-1].id
    tables.close()
    return products


def sign_up_buyers(console: Console, http: httpx2.Client, day: Day) -> dict[str, Buyer]:
    """Register a buyer for each customer of the day: the first by phone, the others by e-mail."""
    customers = dict.fromkeys(planned.customer for planned in day.orders)
    buyers = {
        customer: Buyer(
            customer,
            email=f"customer-{customer}@example.com" if number != 0 else None,
            phone="+79161234567" if number == 0 else None,
        )
        for number, customer in enumerate(customers)
    }
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        list(pool.map(lambda buyer: buyer.sign_up(http), buyers.values()))
    console.print(f"{len(buyers)} buyers registered, the first by phone, the others by e-mail.")
    return buyers


@dataclass(frozen=True)
class Replay:
    """What is needed to place orders: the API, the buyers by customer, product ids by SKU, payment methods."""

    http: httpx2.Client
    buyers: dict[str, Buyer]
    products: dict[str, str]
    methods: PaymentMethods

    def run(self, console: Console, day: Day) -> list[tuple[PlannedOrder, Order]]:
        """Place all orders of the day and wait until each is final."""
        bar = progress_bar(console, "Orders")

        def one(planned: PlannedOrder) -> tuple[PlannedOrder, Order]:
            buyer = self.buyers[planned.customer]
            order_id = place(self.http, buyer, planned, self.products, self.methods)
            order = wait_until_final(self.http, buyer, order_id)
            bar.advance(task)
            return planned, order

        with bar, ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            task = bar.add_task("orders", total=len(day.orders))
            return list(pool.map(one, day.orders))
