"""SQL of the catalog service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.catalog.views import ProductChange, ProductDraft, ProductView, StockedProduct
from services.clock import NOW, new_id
from services.db import Executor
from services.money import Money


@dataclass(frozen=True)
class WrittenProduct:
    """A product that an import wrote; `added`: it is new."""

    sku: str
    added: bool


def find(tx: Executor, product_ids: Sequence[UUID]) -> list[ProductView]:
    """The products with these ids, active or not."""
    return [_view(row) for row in tx.fetch_all(_FIND, {"ids": list(product_ids)})]


def find_stocked(tx: Executor, product_id: UUID) -> StockedProduct | None:
    """The product with its stock, active or not."""
    row = tx.fetch_one(_FIND_STOCKED, {"id": product_id})
    return _stocked(row) if row is not None else None


def page(
    tx: Executor, limit: int, *, active_only: bool, after: UUID | None, currency: str | None, pattern: str | None
) -> list[StockedProduct]:
    """Products with their stock, by id.

    Those after the id `after`, priced in `currency`, whose name or SKU matches `pattern` (ILIKE).
    """
    wanted: dict[str, object] = {"after": after, "currency": currency, "pattern": pattern}
    given = {name: value for name, value in wanted.items() if value is not None}
    filters = [_FILTERS[name] for name in given] + (["is_active"] if active_only else [])
    where = f"WHERE {' AND '.join(filters)}" if filters else ""
    statement = f"{_SELECT_STOCKED} {where} ORDER BY id LIMIT %(limit)s"
    return [_stocked(row) for row in tx.fetch_all(statement, {**given, "limit": limit})]


def upsert(tx: Executor, drafts: Sequence[ProductDraft], hidden: bool) -> list[WrittenProduct]:
    """Insert or update products by SKU; returns those that are new or were changed.

    All calls of a transaction must pass `drafts` in the order of their SKUs, so that parallel imports cannot deadlock.
    """
    values = {"rows": json.dumps([_row(draft) for draft in drafts]), "hidden": hidden}
    return [WrittenProduct(row.sku, row.added) for row in tx.fetch_all(_UPSERT, values)]


def add(tx: Executor, product_id: UUID, draft: ProductDraft) -> ProductView | None:
    """Insert a new product; None when its SKU exists."""
    values = {**_row(draft), "id": product_id, "attributes": json.dumps(dict(draft.attributes))}
    row = tx.fetch_one(_ADD, values)
    return _view(row) if row is not None else None


def ids_of(tx: Executor, skus: Sequence[str]) -> dict[str, UUID]:
    """The id of each existing SKU."""
    return {row.sku: row.id for row in tx.fetch_all(_IDS, {"skus": list(skus)})}


def change(tx: Executor, product_id: UUID, wanted: ProductChange) -> ProductView | None:
    """Set the fields that are not None; returns the changed product, None when there is none."""
    values = {
        "name": wanted.name,
        "description": wanted.description,
        "price_minor": wanted.price and wanted.price.minor,
        "currency": wanted.price and wanted.price.currency,
        "attributes": json.dumps(wanted.attributes) if wanted.attributes is not None else None,
        "is_active": wanted.is_active,
    }
    given = {name: value for name, value in values.items() if value is not None}
    assignments = ", ".join([*(_ASSIGNMENTS[name] for name in given), f"updated_at = {NOW}"])
    statement = f"UPDATE catalog.products SET {assignments} WHERE id = %(product_id)s RETURNING {_COLUMNS}"  # noqa: S608 - constants
    row = tx.fetch_one(statement, {**given, "product_id": product_id})
    return _view(row) if row is not None else None


def has_active(tx: Executor) -> bool:
    """Whether any product is for sale."""
    return bool(tx.fetch_value("SELECT EXISTS (SELECT FROM catalog.products WHERE is_active)"))


def _view(row: Any) -> ProductView:
    price = Money(row.price_minor, row.currency)
    return ProductView(row.id, row.sku, row.name, row.description, price, row.attributes, row.is_active)


def _stocked(row: Any) -> StockedProduct:
    return StockedProduct(_view(row), row.available)


def _row(draft: ProductDraft) -> dict[str, object]:
    return {
        "id": str(new_id()),
        "sku": draft.sku,
        "name": draft.name,
        "description": draft.description,
        "price_minor": draft.price.minor,
        "currency": draft.price.currency,
        "attributes": dict(draft.attributes),
        "is_active": draft.is_active,
    }


_COLUMNS = "id, sku, name, description, price_minor, currency, attributes, is_active"
_FILTERS = {
    "after": "id > %(after)s",
    "currency": "currency = %(currency)s",
    "pattern": "(name ILIKE %(pattern)s OR sku ILIKE %(pattern)s)",
}
_ASSIGNMENTS = {
    "name": "name = %(name)s",
    "description": "description = %(description)s",
    "price_minor": "price_minor = %(price_minor)s",
    "currency": "currency = %(currency)s",
    "attributes": "attributes = cast(%(attributes)s AS jsonb)",
    "is_active": "is_active = %(is_active)s",
}
_FIND = f"SELECT {_COLUMNS} FROM catalog.products WHERE id = ANY(%(ids)s)"  # noqa: S608 - only constants of this module
# Stock belongs to the reservations service and is only read here: a product is shown with its stock, so that the most
# frequent reads are one statement, and price and stock are of one moment.
_SELECT_STOCKED = f"""
    SELECT {_COLUMNS}, coalesce(s.available, 0) AS available
      FROM catalog.products LEFT JOIN reservations.stocks s ON s.product_id = id"""  # noqa: S608 - only constants of this module
_FIND_STOCKED = f"{_SELECT_STOCKED} WHERE id = %(id)s"
_IDS = "SELECT sku, id FROM catalog.products WHERE sku = ANY(%(skus)s)"
_ADD = f"""
    INSERT INTO catalog.products ({_COLUMNS}, created_at, updated_at)
    VALUES (%(id)s, %(sku)s, %(name)s, %(description)s, %(price_minor)s, %(currency)s, cast(%(attributes)s AS jsonb),
           %(is_active)s,
            {NOW}, {NOW})
        ON CONFLICT (sku) DO NOTHING
    RETURNING {_COLUMNS}
    """  # noqa: S608 - only constants of this module
_VISIBLE = "CASE WHEN %(hidden)s THEN p.is_active ELSE excluded.is_active END"
# An unchanged row is not written, so that a repeated import changes nothing.
# Hidden: new products are inactive, and existing ones stay as active as they were.
_UPSERT = f"""
    INSERT INTO catalog.products AS p
           ({_COLUMNS}, created_at, updated_at)
    SELECT id, sku, name, description, price_minor, currency, attributes, is_active AND NOT %(hidden)s, {NOW}, {NOW}
      FROM jsonb_to_recordset(cast(%(rows)s AS jsonb)) AS r(
           id uuid, sku text, name text, description text, price_minor bigint, currency text,
           attributes jsonb, is_active boolean)
     ORDER BY sku
        ON CONFLICT (sku) DO UPDATE
       SET name = excluded.name, description = excluded.description, price_minor = excluded.price_minor,
           currency = excluded.currency, attributes = excluded.attributes, updated_at = excluded.updated_at,
           is_active = {_VISIBLE}
     WHERE (p.name, p.description, p.price_minor, p.currency, p.attributes, p.is_active)
           IS DISTINCT FROM (excluded.name, excluded.description, excluded.price_minor, excluded.currency,
                             excluded.attributes, {_VISIBLE})
    RETURNING sku, xmax = 0 AS added
    """  # noqa: S608 - only constants of this module
