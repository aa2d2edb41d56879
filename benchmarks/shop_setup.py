"""Creates the shop of a run: products of the catalog, registered buyers, and a card that is charged at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import httpx2
import psycopg

from benchmarks.shop import Shop, Shopper
from sandbox.addresses import Addresses
from sandbox.demo.buyers import Buyer, expect

#: Number of products that orders are placed for, unless another is given.
PRODUCTS = 500
_PRODUCTS = "SELECT id FROM catalog.products WHERE is_active ORDER BY id LIMIT %s"


def make_shop(
    connection: psycopg.Connection,
    addresses: Addresses,
    buyers: int,
    prefix: str = "buyer",
    *,
    products: int = PRODUCTS,
) -> Shop:
    """Register so many buyers, whose e-mail addresses begin so, and return the shop. The catalog must be imported."""
    return Shop(_products(connection, products), _shoppers(addresses.api, buyers, prefix), _card(addresses.sandbox))


def _products(connection: psycopg.Connection, count: int) -> list[UUID]:
    return [product_id for (product_id,) in connection.execute(_PRODUCTS, [count])]


def _shoppers(api: str, count: int, prefix: str) -> list[Shopper]:
    buyers = [Buyer(str(number), email=f"{prefix}-{number}@example.com", phone=None) for number in range(count)]
    with httpx2.Client(base_url=f"{api}/api/v1", timeout=60) as http, ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda buyer: _signed_up(http, buyer), buyers))


def _signed_up(http: httpx2.Client, buyer: Buyer) -> Shopper:
    buyer.sign_up(http)
    profile = expect(http.get("/users/me", headers=buyer.headers()), 200)
    return Shopper(UUID(profile["id"]), buyer.token)


def _card(sandbox: str) -> str:
    scripts = httpx2.get(f"{sandbox}/scripts").json()
    cards = [script["value"] for script in scripts if (script["method"], script["behaviour"]) == ("card", "succeeds")]
    return str(cards[0])
