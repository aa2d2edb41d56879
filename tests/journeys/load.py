"""Buyers who place orders one after the other while a test does something to the shop."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.journeys.customers import Customer
from tests.journeys.shop import Shop
from tests.journeys.waiting import until

BUYERS = 4


class Load:
    """Orders of one product, each paid by a card that succeeds."""

    def __init__(self, shop: Shop, buyers: int = BUYERS, pause: float = 0.0) -> None:
        """`pause`: seconds between two orders of a buyer, so that a long test does not sell the whole stock."""
        self._pause = pause
        self.product, self._card = shop.product(), shop.paying("card", "succeeds")
        self._buyers = [shop.customer() for _ in range(buyers)]
        self._stopped = threading.Event()
        #: how many requests were answered with each status
        self.statuses: Counter[int] = Counter()
        #: buyer and id of each order that was answered with 201
        self.orders: list[tuple[Customer, str]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Place orders during the block."""
        with ThreadPoolExecutor(len(self._buyers)) as pool:
            buying = [pool.submit(self._buy, buyer) for buyer in self._buyers]
            try:
                yield
            finally:
                self._stopped.set()
            for each in buying:
                each.result()

    def wait_for_orders(self, count: int) -> None:
        """Wait until so many more orders were placed. Raises TimeoutError."""
        before = len(self.orders)
        until(lambda: len(self.orders) - before, lambda placed: placed >= count)

    def wait_for_refusal(self) -> None:
        """Wait until another request is answered with 503. Raises TimeoutError."""
        before = self.statuses[503]
        until(lambda: self.statuses[503] - before)

    def ends(self) -> set[str]:
        """Wait until every order has ended; returns the statuses."""
        return {buyer.wait_for_end(order_id)["status"] for buyer, order_id in self.orders}

    def _buy(self, buyer: Customer) -> None:
        while not self._stopped.wait(self._pause):
            answer = buyer.post_order(self.product, card=self._card)
            self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                self.orders.append((buyer, answer.json()["orderId"]))
