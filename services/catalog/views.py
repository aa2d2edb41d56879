"""Inputs and outputs of the catalog service: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping, Set
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
    """A product with its stock: the units that can be ordered, and those together with the reserved ones."""

    product: ProductView
    available: int
    unsold: int


@dataclass(frozen=True)
class ProductDraft:
    """A product to write, identified by its SKU."""

    sku: str
    name: str
    price: Money
    description: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class ImportedProduct:
    """A product of an import file, found by its SKU: what the file does not have is None and stays as it is."""

    sku: str
    name: str | None = None
    price: Money | None = None
    description: str | None = None
    attributes: Mapping[str, Any] | None = None
    is_active: bool | None = None
    #: the names of the attributes that the file has; those of a product that it does not have stay. None: it has all
    attribute_names: frozenset[str] | None = None

    @property
    def complete(self) -> bool:
        """Whether it can be a new product."""
        return self.name is not None and self.price is not None


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
    """The SKUs of a file that an import added, those that it changed, and the id of each of its products."""

    added: Set[str]
    changed: Set[str]
    ids: Mapping[str, UUID]
