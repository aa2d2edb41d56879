"""Buyers in a process of their own: each places an order over REST, waits for `confirmed`, and places the next."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from benchmarks.load import keep_in_flight
from benchmarks.plan import Case, Done, Round
from benchmarks.process import answer
from benchmarks.shop import ADDRESS, Baskets, Shop

#: Seconds for which a buyer waits.
PATIENCE = 30


def run(orders: Connection, host: str, port: int) -> None:
    """Buy until the other end hangs up: first it sends the shop, then rounds."""
    uvloop.run(_serve(orders, host, port))


async def _serve(orders: Connection, host: str, port: int) -> None:
    shop: Shop = await asyncio.to_thread(orders.recv)
    buyers = Buyers(shop, host, port)
    with ThreadPoolExecutor(len(shop.buyers), thread_name_prefix="buyer") as threads:
        await answer(orders, partial(_measure, buyers, threads))


async def _measure(buyers: Buyers, threads: ThreadPoolExecutor, wanted: Round) -> Done:
    loop = asyncio.get_running_loop()

    async def one(place: int) -> None:
        await loop.run_in_executor(threads, buyers.buy, place)

    buyers.hang_up()
    return await keep_in_flight(one, wanted.in_flight, wanted.seconds)


class Buyers:
    """One kept-alive connection a buyer; the plainest HTTP client there is, for it shares the machine."""

    def __init__(self, shop: Shop, host: str, port: int) -> None:
        self._shop = shop
        self._baskets = Baskets(shop, seed=2)
        self._connections = [http.client.HTTPConnection(host, port, timeout=PATIENCE + 10) for _ in shop.buyers]

    def buy(self, place: int) -> None:
        """One order: `POST` that waits, and if it did not end within that time, looks until it did.

        Raises AssertionError when it is refused, or ends otherwise than confirmed.
        """
        began = time.monotonic()
        order = self._ask(place, "POST", "/api/v1/orders", 201, self._order())
        while order["status"] != "confirmed":
            if order["status"] == "cancelled" or time.monotonic() > began + PATIENCE:
                raise AssertionError(f"order {order['orderId']}: {order['status']}")
            order |= self._ask(place, "GET", f"/api/v1/orders/{order['orderId']}", 200)

    def hang_up(self) -> None:
        """Close connections that the server may have closed since the round before; the next order opens its own."""
        for connection in self._connections:
            connection.close()

    def _order(self) -> bytes:
        items = [{"productId": str(product_id), "quantity": 1} for product_id in self._baskets.choose(Case.REST)]
        return json.dumps({"items": items, "card": self._shop.card, **ADDRESS}).encode()

    def _ask(self, place: int, method: str, path: str, expected: int, body: bytes | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._shop.buyers[place].token}", "Prefer": f"wait={PATIENCE}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connections[place]
        connection.request(method, path, body, headers)
        answered = connection.getresponse()
        text = answered.read()
        if answered.status != expected:
            raise AssertionError(f"{method} {path}: {answered.status} {text.decode()[:400]}")
        found: dict[str, Any] = json.loads(text)
        return found
