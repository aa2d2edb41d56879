"""What the catalog service takes and gives: plain values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.money import Money


@dataclass(frozen=True)
class ProductView:
    """A product as it stands; inactive ones are not for sale."""

    id: UUID
    sku: str
    name: str
    description: str
    price: Money
    attributes: Mapping[str, Any]
    is_active: bool


@dataclass(frozen=True)
class ProductDraft:
    """A product as it shall be, known by its SKU."""

    sku: str
    name: str
    price: Money
    description: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True


@dataclass(frozen=True)
class ProductChange:
    """What an operator changes of a product; None leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    price: Money | None = None
    attributes: Mapping[str, Any] | None = None
    is_active: bool | None = None


@dataclass(frozen=True)
class Imported:
    """What an import did: SKUs that are new, SKUs that differ from before, and the id of each product of it."""

    added: frozenset[str]
    changed: frozenset[str]
    ids: Mapping[str, UUID]
