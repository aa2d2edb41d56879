"""Placing an order: the catalog's prices, what is in stock, and then the order itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.bootstrap import Services
from services.errors import Invalid, OutOfStock
from services.idempotency import Idempotent
from services.orders.views import NewOrder, Placed, Product


def place(services: Services, new: NewOrder, key: Idempotent | None) -> Placed:
    """Store the order as the catalog prices it now.

    Raises OutOfStock when it can be seen at once, and what `OrderService.place` raises.
    """
    new = replace(new, products=_products(services, list(new.quantities)))
    if _is_sellable(new) and (short := _short(services, new.quantities)):
        return _replay(services, new, key, short)
    return services.orders.place(new, key)


def _products(services: Services, product_ids: list[UUID]) -> dict[UUID, Product]:
    found = services.catalog.prices(product_ids)
    return {id_: Product(view.id, view.name, view.price, view.is_active) for id_, view in found.items()}


def _is_sellable(new: NewOrder) -> bool:
    """Whether the order itself is in order, so that stock is the next question."""
    active = [product for product in new.products.values() if product.is_active]
    return len(active) == len(new.quantities) and len({product.price.currency for product in active}) == 1


def _short(services: Services, quantities: Mapping[UUID, int]) -> list[dict[str, Any]]:
    stocks = services.reservations.stocks(list(quantities))
    available = {product_id: stock.available for product_id, stock in stocks.items()}
    return [
        {"productId": product_id, "wanted": wanted, "available": available.get(product_id, 0)}
        for product_id, wanted in quantities.items()
        if available.get(product_id, 0) < wanted
    ]


def _replay(services: Services, new: NewOrder, key: Idempotent | None, short: list[dict[str, Any]]) -> Placed:
    # The request may be a repetition whose first one took the last units: an order of nothing is only ever replayed.
    try:
        return services.orders.place(replace(new, quantities={}), key)
    except Invalid as error:
        if error.code != Invalid.code:
            raise
        raise OutOfStock(short) from None
