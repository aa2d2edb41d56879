"""Inputs and outputs of the catalog service: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.money import Money


@dataclass(frozen=True)
class ProductView:
    """A product; an inactive one is not for sale."""

    id: UUID
    sku: str
    name: str
    description: str
    price: Money
    attributes: Mapping[str, Any]
    is_active: bool


@dataclass(frozen=True)
class StockedProduct:
    """A product with its available stock: units that can be ordered, without those reserved for other orders."""

    product: ProductView
    available: int


@dataclass(frozen=True)
class ProductDraft:
    """A product to write, identified by its SKU."""

    sku: str
    name: str
    price: Money
    description: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True


@dataclass(frozen=True)
class ProductChange:
    """The fields of a product to change; None: unchanged."""

    name: str | None = None
    description: str | None = None
    price: Money | None = None
    attributes: Mapping[str, Any] | None = None
    is_active: bool | None = None


@dataclass(frozen=True)
class ImportResult:
    """The SKUs that an import added, the SKUs that it changed, and the id of each of its products."""

    added: frozenset[str]
    changed: frozenset[str]
    ids: Mapping[str, UUID]
