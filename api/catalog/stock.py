"""Products with their available stock, which belongs to the reservations service."""

from __future__ import annotations

from uuid import UUID

from api.catalog.schemas import Product, listed
from services.catalog.views import ProductView
from services.reservations.service import ReservationService


def available(reservations: ReservationService, product_ids: list[UUID]) -> dict[UUID, int]:
    """Units that can be ordered, by product; products without any stock are left out."""
    return {id_: max(0, stock.available) for id_, stock in reservations.stocks(product_ids).items()}


def in_full(reservations: ReservationService, product: ProductView) -> Product:
    """A product with its available stock."""
    return Product(
        **listed(product, available(reservations, [product.id])).model_dump(),
        description=product.description,
        attributes=dict(product.attributes),
        is_active=product.is_active,
    )
