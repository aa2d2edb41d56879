"""Replays the planned orders of a file through the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

import httpx2
from rich.console import Console

from sandbox.demo.account import Account, Fate, Result, refused, result_of
from sandbox.demo.buyers import Buyer, OrderRefused, PaymentMethods, UnexpectedResponse, place, wait_until_final
from sandbox.demo.invoices import Plan, PlannedOrder
from sandbox.demo.tables import progress_bar
from services import db
from services.catalog.importing import ImportFile
from services.catalog.service import CatalogService
from services.commands.product_import import ProductImport
from services.reservations.service import ReservationService

#: Orders in flight.
MAX_CONCURRENT = 8
#: Phone of the first buyer.
PHONE = "+79161234567"

T = TypeVar("T")
R = TypeVar("R")


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


def import_catalog(database: str, products: ImportFile) -> dict[str, str]:
    """Import the products of a file into an empty catalog.

    Returns product ids by SKU, from the database: the API does not show SKUs to buyers.
    """
    tables = db.connect(database, pool_size=1)
    catalog = CatalogService(tables)
    try:
        ProductImport(catalog, ReservationService(tables)).write(products)
        ids: dict[str, str] = {}
        after = None
        while page := catalog.list(after=after, limit=1000):
            ids |= {product.sku: str(product.id) for product in page}
            after = page[-1].id
        return ids
    finally:
        tables.close()


@dataclass
class Buyers:
    """A buyer for each customer, who registers with the first order: the first by phone, the others by e-mail."""

    http: httpx2.Client
    _buyers: dict[str, Buyer] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __len__(self) -> int:
        return len(self._buyers)

    def of(self, customer: str) -> Buyer:
        """The buyer of a customer, signed in. Raises UnexpectedResponse."""
        with self._lock:
            buyer = self._buyers.get(customer)
            if buyer is None:
                # Ids of customers are any text: only their number goes into a name and an address.
                number = len(self._buyers) + 1
                email, phone = (None, PHONE) if number == 1 else (f"buyer-{number}@example.com", None)
                buyer = self._buyers[customer] = Buyer(str(number), email, phone)
        buyer.stay_signed_in(self.http)
        return buyer


@dataclass(frozen=True)
class Replay:
    """What is needed to place orders: the API, the buyers, product ids by SKU, payment methods."""

    http: httpx2.Client
    buyers: Buyers
    products: dict[str, str]
    methods: PaymentMethods

    def run(self, console: Console, plan: Plan) -> Account:
        """Place all orders and wait until each is final; stops early when many of them fail."""
        account = Account(plan)
        with progress_bar(console, "Orders") as bar, ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            task = bar.add_task("orders", total=plan.count)
            for result in _map_bounded(pool, self._one, plan.orders(account.skipped)):
                account.add(result)
                bar.advance(task)
                if account.stopped:
                    break
        return account

    def _one(self, planned: PlannedOrder) -> Result:
        try:
            buyer = self.buyers.of(planned.customer)
            order_id = place(self.http, buyer, planned, self.products, self.methods)
            return result_of(planned, wait_until_final(self.http, buyer, order_id))
        except OrderRefused as refusal:
            return refused(planned, str(refusal))
        except (UnexpectedResponse, httpx2.HTTPError) as problem:
            return Result(planned, Fate.FAILED, f"{type(problem).__name__}: {problem}")


def _map_bounded(pool: ThreadPoolExecutor, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results as they are ready; unlike `pool.map`, this takes an item only when a thread is about to be free."""
    running: set[Future[R]] = set()
    for item in items:
        if len(running) > MAX_CONCURRENT:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
        running.add(pool.submit(function, item))
    yield from (future.result() for future in as_completed(running))
