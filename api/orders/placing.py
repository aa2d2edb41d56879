"""Placing an order: reads the catalog's prices, checks the stock, and stores the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends

from api.dependencies import Catalog, Orders, Reservations
from services.catalog.service import CatalogService
from services.errors import Invalid, OutOfStock
from services.idempotency import IdempotentRequest
from services.orders.service import OrderService
from services.orders.views import NewOrder, Placed, Product
from services.reservations.service import ReservationService


@dataclass(frozen=True)
class OrderPlacement:
    """Places orders over catalog, reservations and orders."""

    catalog: CatalogService
    reservations: ReservationService
    orders: OrderService

    def place(self, new: NewOrder, request: IdempotentRequest | None) -> Placed:
        """Store the order with the catalog's prices of this moment.

        Raises OutOfStock when a product is short already, and what `OrderService.place` raises.
        """
        new = replace(new, products=self._products(list(new.quantities)))
        if _is_sellable(new) and (short := self._short(new.quantities)):
            return self._replay(new, request, short)
        return self.orders.place(new, request)

    def _products(self, product_ids: list[UUID]) -> dict[UUID, Product]:
        found = self.catalog.prices(product_ids)
        return {id_: Product(view.id, view.name, view.price, view.is_active) for id_, view in found.items()}

    def _short(self, quantities: Mapping[UUID, int]) -> list[dict[str, Any]]:
        stocks = self.reservations.stocks(list(quantities))
        available = {product_id: stock.available for product_id, stock in stocks.items()}
        return [
            {"productId": product_id, "wanted": wanted, "available": available.get(product_id, 0)}
            for product_id, wanted in quantities.items()
            if available.get(product_id, 0) < wanted
        ]

    def _replay(self, new: NewOrder, request: IdempotentRequest | None, short: list[dict[str, Any]]) -> Placed:
        # The request may repeat one that took the last units: an order without lines is only ever replayed.
        try:
            return self.orders.place(replace(new, quantities={}), request)
        except Invalid as error:
            if error.code != Invalid.code:
                raise
            raise OutOfStock(short) from None


def _is_sellable(new: NewOrder) -> bool:
    """Whether all products are for sale in one currency, so that stock is the next check."""
    active = [product for product in new.products.values() if product.is_active]
    return len(active) == len(new.quantities) and len({product.price.currency for product in active}) == 1


async def _placement(catalog: Catalog, reservations: Reservations, orders: Orders) -> OrderPlacement:
    return OrderPlacement(catalog, reservations, orders)


Placement = Annotated[OrderPlacement, Depends(_placement)]
