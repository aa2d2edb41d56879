"""Finds the order that a person names, by its number or its id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer

from services.commands.terminal import open_database
from services.db import Database
from services.errors import Invalid, NotFound
from services.order_number import order_number
from services.orders.service import OrderService
from services.orders.views import OrderView, Policy
from services.secrets import Vault

_NO_KEY = "commands encrypt and decrypt no stored value"

OrderName = Annotated[
    str,
    typer.Argument(metavar="NUMBER|ID", help="The number of the order (`9F3A-21C4`), or its id.", show_default=False),
]


@contextmanager
def open_orders() -> Iterator[tuple[Database, OrderService]]:
    """The database and the orders in it. Raises ValueError when the schema is not current."""
    with open_database() as database:
        yield database, order_service(database)


def order_service(database: Database) -> OrderService:
    """Orders to read and to cancel: that encrypts and decrypts nothing, so the keys of the shop are not needed."""
    return OrderService(database, unkeyed_vault(), Policy())


def unkeyed_vault() -> Vault:
    """A vault with a key of its own, which can open nothing that the shop has sealed."""
    return Vault(_NO_KEY)


def find_order(orders: OrderService, name: str) -> OrderView:
    """The order with this number or id. Raises NotFound, and Invalid when it names several or nothing."""
    try:
        return orders.get(UUID(name))
    except ValueError:
        return orders.get(_the_one(name, orders.numbered(name)))


def number_of(order: OrderView) -> str:
    """The number that people know an order by."""
    return order_number(str(order.id))


def _the_one(name: str, found: list[UUID]) -> UUID:
    if not found:
        raise NotFound(f"No order has the number {name}: check it, or give the id.")
    if len(found) > 1:
        raise Invalid("\n".join([f"{len(found)} orders have the number {name}. Give the id of one:", *map(str, found)]))
    return found[0]
