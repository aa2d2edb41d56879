"""Schemas of the catalog operations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from api.requests.fields import Shape
from services.catalog.views import ProductView


class ProductSummary(Shape):
    """A product in a list."""

    id: UUID
    name: str
    stock: int
    price: str
    currency: str


class Product(ProductSummary):
    """A product."""

    description: str
    attributes: dict[str, Any]
    is_active: bool


class ProductPrice(Shape):
    """The price of a product."""

    product_id: UUID
    price: str
    currency: str


class ProductStock(Shape):
    """The available stock of a product."""

    product_id: UUID
    available: int = Field(ge=0)


def listed(product: ProductView, stocks: dict[UUID, int]) -> ProductSummary:
    """A product in a list; `stocks` has the available units by product."""
    return ProductSummary(
        id=product.id,
        name=product.name,
        stock=stocks.get(product.id, 0),
        price=product.price.text,
        currency=product.price.currency,
    )
