"""Placing an order: the catalog's prices and the stock are read in the transaction that stores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import Depends

from api.dependencies import Catalog, Orders, Payments
from services.catalog.service import CatalogService
from services.idempotency import IdempotentRequest
from services.orders.service import OrderService
from services.orders.views import NewOrder, Placed, Product
from services.payments.service import PaymentService

if TYPE_CHECKING:
    from services.db import Executor


@dataclass(frozen=True)
class OrderPlacement:
    """Places orders over catalog, payments and orders."""

    catalog: CatalogService
    payments: PaymentService
    orders: OrderService

    def place(self, new: NewOrder, request: IdempotentRequest | None) -> Placed:
        """Store the order; its products are read by `products`.

        Raises Invalid when the payment method cannot pay the total, and what `OrderService.place` raises.
        """
        if new.method:
            check = partial(self.payments.check_method, new.method.kind, pointer=f"/{new.method.kind}")
            new = replace(new, check_total=check)
        return self.orders.place(new, request)

    def products(self, tx: Executor, product_ids: Sequence[UUID]) -> Mapping[UUID, Product]:
        """The products with these ids and their stock, in the order's transaction; unknown ids are left out."""
        found = self.catalog.stocked(product_ids, tx)
        return {
            id_: Product(
                id_, each.product.name, each.product.price, each.product.is_active, each.available, each.unsold
            )
            for id_, each in found.items()
        }


async def _placement(catalog: Catalog, payments: Payments, orders: Orders) -> OrderPlacement:
    return OrderPlacement(catalog, payments, orders)


Placement = Annotated[OrderPlacement, Depends(_placement)]
