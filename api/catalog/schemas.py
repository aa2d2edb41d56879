"""Schemas of the catalog operations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from api.requests.fields import Shape
from services.catalog.views import StockedProduct


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


def listed(found: StockedProduct) -> ProductSummary:
    """A product in a list."""
    return ProductSummary(
        id=found.product.id,
        name=found.product.name,
        stock=found.available,
        price=found.product.price.text,
        currency=found.product.price.currency,
    )


def in_full(found: StockedProduct) -> Product:
    """A product with everything that is shown of it."""
    return Product(
        id=found.product.id,
        name=found.product.name,
        stock=found.available,
        price=found.product.price.text,
        currency=found.product.price.currency,
        description=found.product.description,
        attributes=dict(found.product.attributes),
        is_active=found.product.is_active,
    )
