"""The five steps of a peer's order: plain SQL on simplified tables, and the charge over HTTP as in ours.

Imported by both peers, so it uses nothing but psycopg and the standard library.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg_pool import ConnectionPool

SCHEMA = """
    CREATE SCHEMA IF NOT EXISTS peers;
    CREATE TABLE IF NOT EXISTS peers.stocks (
        product_id uuid PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0),
        reserved bigint NOT NULL DEFAULT 0, sold bigint NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS peers.orders (id uuid PRIMARY KEY, status text NOT NULL, total_minor bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS peers.lines (
        order_id uuid REFERENCES peers.orders, product_id uuid REFERENCES peers.stocks, quantity bigint NOT NULL,
        PRIMARY KEY (order_id, product_id));
    CREATE TABLE IF NOT EXISTS peers.payments (
        order_id uuid PRIMARY KEY REFERENCES peers.orders, provider_id text NOT NULL, amount_minor bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS peers.messages (
        order_id uuid PRIMARY KEY REFERENCES peers.orders, template text NOT NULL);
"""
STOCK = 10_000_000
#: Price of every product in minor units.
PRICE = 1000
#: Threads that run steps, and connections of their pool: as many as the worker of our orders has.
THREADS = 16


@dataclass(frozen=True)
class Shop:
    """What a peer needs to place orders."""

    database: str
    #: `host:port` of the payment stand-in, its user and password, and a card token that is charged at once
    payments: str
    credentials: str
    card: str
    products: Sequence[str]


class Steps:
    """The steps; each may be repeated. Call `close` at the end."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._pool = ConnectionPool(shop.database, min_size=THREADS, max_size=THREADS, open=True)
        self._authorization = "Basic " + base64.b64encode(shop.credentials.encode()).decode()
        self._thread = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        with self._pool.connection() as connection:
            connection.execute(SCHEMA.encode())
            stock = "INSERT INTO peers.stocks SELECT p, %s FROM unnest(%s::uuid[]) AS p ON CONFLICT DO NOTHING"
            connection.execute(stock, [STOCK, list(shop.products)])

    def create_order(self, order_id: str, products: list[str]) -> None:
        """Write the order and its lines."""
        with self._pool.connection() as connection:
            total = PRICE * len(products)
            connection.execute(
                "INSERT INTO peers.orders VALUES (%s, 'created', %s) ON CONFLICT DO NOTHING", [order_id, total]
            )
            connection.execute(
                "INSERT INTO peers.lines SELECT %s, p, 1 FROM unnest(%s::uuid[]) AS p ON CONFLICT DO NOTHING",
                [order_id, products],
            )

    def reserve_stock(self, order_id: str) -> None:
        """Move one unit of each product from available to reserved, once an order."""
        self._move(order_id, "created", "reserved", "available = available - 1, reserved = reserved + 1")

    def charge_payment(self, order_id: str, products: int) -> None:
        """Charge at the provider with the order's key, and write the payment."""
        amount = PRICE * products
        provider_id = self._charge(order_id, amount)
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO peers.payments VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", [order_id, provider_id, amount]
            )

    def confirm_order(self, order_id: str) -> None:
        """Move the reserved units to sold, once an order."""
        self._move(order_id, "reserved", "confirmed", "reserved = reserved - 1, sold = sold + 1")

    def queue_message(self, order_id: str) -> None:
        """Queue one message; nobody sends it."""
        with self._pool.connection() as connection:
            connection.execute("INSERT INTO peers.messages VALUES (%s, 'confirmed') ON CONFLICT DO NOTHING", [order_id])

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        for connection in self._connections:
            connection.close()

    def _move(self, order_id: str, source: str, target: str, change: str) -> None:
        with self._pool.connection() as connection:
            moved = connection.execute(
                "UPDATE peers.orders SET status = %s WHERE id = %s AND status = %s RETURNING id",
                [target, order_id, source],
            ).fetchone()
            if moved:
                connection.execute(
                    f"""WITH locked AS (
                        SELECT product_id FROM peers.stocks
                         WHERE product_id IN (SELECT product_id FROM peers.lines WHERE order_id = %s)
                         ORDER BY product_id FOR NO KEY UPDATE)
                    UPDATE peers.stocks s SET {change} FROM locked WHERE s.product_id = locked.product_id""".encode(),  # noqa: S608 - a constant of this module
                    [order_id],
                )

    def _charge(self, order_id: str, amount: int) -> str:
        body = {
            "amount": {"value": f"{amount / 100:.2f}", "currency": "GBP"},
            "capture": True,
            "description": f"Order {order_id}",
            "payment_token": self._shop.card,
        }
        headers = {
            "Authorization": self._authorization,
            "Content-Type": "application/json",
            "Idempotence-Key": f"charge:{order_id}",
        }
        try:
            return self._post(json.dumps(body), headers)
        except ConnectionError:
            # The server has closed an idle connection; the key makes a repetition safe.
            self._connection().close()
            return self._post(json.dumps(body), headers)

    def _post(self, body: str, headers: dict[str, str]) -> str:
        connection = self._connection()
        connection.request("POST", "/v3/payments", body, headers)
        response = connection.getresponse()
        found = json.loads(response.read())
        if response.status != http.client.OK or found["status"] != "succeeded":
            raise RuntimeError(f"the charge was refused: {response.status} {found}")
        return str(found["id"])

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._thread, "connection"):
            self._thread.connection = http.client.HTTPConnection(self._shop.payments, timeout=30)
            self._connections.append(self._thread.connection)
        connection: http.client.HTTPConnection = self._thread.connection
        return connection
