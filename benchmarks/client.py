"""The REST client in a separate process: each buyer places an order, waits for `confirmed`, and places the next."""

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
from benchmarks.process import serve_rounds
from benchmarks.shop import ADDRESS, Baskets, Shop

#: Seconds that a buyer waits for an order.
WAIT_SECONDS = 30


def run(connection: Connection, host: str, port: int) -> None:
    """Serve until the connection is closed: receive the shop, then measure the rounds that are requested."""
    uvloop.run(_serve(connection, host, port))


async def _serve(connection: Connection, host: str, port: int) -> None:
    shop: Shop = await asyncio.to_thread(connection.recv)
    buyers = Buyers(shop, host, port)
    with ThreadPoolExecutor(len(shop.buyers), thread_name_prefix="buyer") as threads:
        await serve_rounds(connection, partial(_measure, buyers, threads))


async def _measure(buyers: Buyers, threads: ThreadPoolExecutor, wanted: Round) -> Done:
    loop = asyncio.get_running_loop()

    async def one(slot: int) -> None:
        await loop.run_in_executor(threads, buyers.buy, slot, wanted.lines)

    buyers.close_connections()
    return await keep_in_flight(one, wanted.in_flight, wanted.seconds)


class Buyers:
    """Buyers with one keep-alive connection each; uses http.client because its cost is part of the measurement."""

    def __init__(self, shop: Shop, host: str, port: int) -> None:
        self._shop = shop
        self._baskets = Baskets(shop, seed=2)
        self._connections = [http.client.HTTPConnection(host, port, timeout=WAIT_SECONDS + 10) for _ in shop.buyers]

    def buy(self, slot: int, lines: int) -> None:
        """Place one order of so many lines with `Prefer: wait`, then poll until it is confirmed.

        Raises AssertionError when the order is refused, cancelled or not confirmed in time.
        """
        started = time.monotonic()
        order = self._request(slot, "POST", "/api/v1/orders", 201, self._order(lines))
        while order["status"] != "confirmed":
            if order["status"] == "cancelled" or time.monotonic() > started + WAIT_SECONDS:
                raise AssertionError(f"order {order['orderId']}: {order['status']}")
            order |= self._request(slot, "GET", f"/api/v1/orders/{order['orderId']}", 200)

    def close_connections(self) -> None:
        """Close all connections, because the server may have closed idle ones; the next order opens a new one."""
        for connection in self._connections:
            connection.close()

    def _order(self, lines: int) -> bytes:
        chosen = self._baskets.choose(Case.REST, lines)
        items = [{"productId": str(product_id), "quantity": 1} for product_id in chosen]
        return json.dumps({"items": items, "card": self._shop.card, **ADDRESS}).encode()

    def _request(self, slot: int, method: str, path: str, expected: int, body: bytes | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._shop.buyers[slot].token}", "Prefer": f"wait={WAIT_SECONDS}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connections[slot]
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
        if response.status != expected:
            raise AssertionError(f"{method} {path}: {response.status} {text.decode()[:400]}")
        found: dict[str, Any] = json.loads(text)
        return found
