"""SQL of the catalog service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.catalog.comparing import compared_sql, searched_sql
from services.catalog.views import ImportedProduct, ProductChange, ProductDraft, ProductView, StockedProduct
from services.clock import NOW, new_id
from services.db import Executor
from services.money import Money


@dataclass(frozen=True)
class WrittenProduct:
    """A product that an import wrote, by the SKU of the file; `added`: it is new."""

    sku: str
    added: bool


def find(tx: Executor, product_ids: Sequence[UUID]) -> list[ProductView]:
    """The products with these ids, active or not."""
    return [_view(row) for row in tx.fetch_all(_FIND, {"ids": list(product_ids)})]


def find_stocked(tx: Executor, product_ids: Sequence[UUID]) -> list[StockedProduct]:
    """The products with these ids and their stock, active or not."""
    return [_stocked(row) for row in tx.fetch_all(_FIND_STOCKED, {"ids": list(product_ids)})]


def page(
    tx: Executor, limit: int, *, active_only: bool, after: UUID | None, currency: str | None, q: str | None
) -> list[StockedProduct]:
    """Products with their stock, by id: those after the id `after`, priced in `currency`, whose name or SKU has `q`."""
    wanted: dict[str, object] = {"after": after, "currency": currency, "q": q}
    given = {name: value for name, value in wanted.items() if value is not None}
    filters = [_FILTERS[name] for name in given] + (["is_active"] if active_only else [])
    where = f"WHERE {' AND '.join(filters)}" if filters else ""
    statement = f"{_SELECT_STOCKED} {where} ORDER BY id LIMIT %(limit)s"
    return [_stocked(row) for row in tx.fetch_all(statement, {**given, "limit": limit})]


def upsert(tx: Executor, products: Sequence[ImportedProduct]) -> list[WrittenProduct]:
    """Insert or update products by the compared form of their SKUs; returns those that are new or were changed.

    All calls of a transaction must pass products in the order of that form, so that parallel imports cannot deadlock.
    """
    values = {"rows": json.dumps([_imported(product) for product in products])}
    return [WrittenProduct(row.sku, row.added) for row in tx.fetch_all(_UPSERT, values)]


def add(tx: Executor, product_id: UUID, draft: ProductDraft) -> ProductView | None:
    """Insert a new product; None when its SKU exists."""
    values = {**_row(draft), "id": product_id, "attributes": json.dumps(dict(draft.attributes))}
    row = tx.fetch_one(_ADD, values)
    return _view(row) if row is not None else None


def ids_of(tx: Executor, skus: Sequence[str]) -> dict[str, UUID]:
    """The id of the product with each of these SKUs, as they are written here, if there is one."""
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
    return StockedProduct(_view(row), row.available, row.unsold)


def _row(draft: ProductDraft) -> dict[str, object]:
    return {
        "sku": draft.sku,
        "name": draft.name,
        "description": draft.description,
        "price_minor": draft.price.minor,
        "currency": draft.price.currency,
        "is_active": draft.is_active,
    }


def _imported(product: ImportedProduct) -> dict[str, object]:
    names = product.attribute_names
    return {
        "id": str(new_id()),
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price_minor": product.price and product.price.minor,
        "currency": product.price and product.price.currency,
        "attributes": None if product.attributes is None else dict(product.attributes),
        "attribute_names": None if names is None else sorted(names),
        "is_active": product.is_active,
    }


_COLUMNS = "id, sku, name, description, price_minor, currency, attributes, is_active"
_FILTERS = {
    "after": "id > %(after)s",
    "currency": "currency = %(currency)s",
    # No index: a search of 100,000 products takes less than 0.1 s (docs/performance.md).
    "q": f"strpos(searched, {searched_sql('cast(%(q)s AS text)')}) > 0",
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
    SELECT {_COLUMNS}, coalesce(s.available, 0) AS available, coalesce(s.available + s.reserved, 0) AS unsold
      FROM catalog.products LEFT JOIN reservations.stocks s ON s.product_id = id"""  # noqa: S608 - only constants of this module
_FIND_STOCKED = f"{_SELECT_STOCKED} WHERE id = ANY(%(ids)s)"
_IDS = f"""
    SELECT given.sku, p.id FROM unnest(cast(%(skus)s AS text[])) AS given (sku)
      JOIN catalog.products p ON p.sku_key = {compared_sql("given.sku")} COLLATE "C" AND p.twin = 0
    """  # noqa: S608 - only constants of this module
_ADD = f"""
    INSERT INTO catalog.products ({_COLUMNS}, created_at, updated_at)
    VALUES (%(id)s, %(sku)s, %(name)s, %(description)s, %(price_minor)s, %(currency)s, cast(%(attributes)s AS jsonb),
           %(is_active)s,
            {NOW}, {NOW})
        ON CONFLICT DO NOTHING
    RETURNING {_COLUMNS}
    """  # noqa: S608 - only constants of this module
# What a file does not have is NULL, and is taken from the present row, which is locked first. An unchanged row is not
# written, so that a repeated import changes nothing.
_UPSERT = f"""
    WITH given AS MATERIALIZED (
        SELECT r.*, {compared_sql("r.sku")} COLLATE "C" AS sku_key
          FROM jsonb_to_recordset(cast(%(rows)s AS jsonb)) AS r(
               id uuid, sku text, name text, description text, price_minor bigint, currency text,
               attributes jsonb, attribute_names text[], is_active boolean)),
    present AS MATERIALIZED (
        SELECT p.* FROM catalog.products p JOIN given ON p.sku_key = given.sku_key AND p.twin = 0
         ORDER BY p.sku_key FOR NO KEY UPDATE OF p),
    wanted AS (
        SELECT sku_key, coalesce(p.id, g.id) AS id, coalesce(p.sku, g.sku) AS sku, coalesce(g.name, p.name) AS name,
               coalesce(g.description, p.description, '') AS description,
               coalesce(g.price_minor, p.price_minor) AS price_minor, coalesce(g.currency, p.currency) AS currency,
               CASE WHEN g.attributes IS NOT NULL AND g.attribute_names IS NULL THEN g.attributes
                    ELSE (coalesce(p.attributes, '{{}}') - coalesce(g.attribute_names, '{{}}'))
                         || coalesce(g.attributes, '{{}}') END AS attributes,
               coalesce(g.is_active, p.is_active, true) AS is_active
          FROM given g LEFT JOIN present p USING (sku_key)),
    written AS (
        INSERT INTO catalog.products AS p ({_COLUMNS}, created_at, updated_at)
        SELECT {_COLUMNS}, {NOW}, {NOW} FROM wanted ORDER BY sku_key
            ON CONFLICT (sku_key, twin) DO UPDATE
           SET name = excluded.name, description = excluded.description, price_minor = excluded.price_minor,
               currency = excluded.currency, attributes = excluded.attributes, is_active = excluded.is_active,
               updated_at = excluded.updated_at
         WHERE (p.name, p.description, p.price_minor, p.currency, p.attributes, p.is_active)
               IS DISTINCT FROM (excluded.name, excluded.description, excluded.price_minor, excluded.currency,
                                 excluded.attributes, excluded.is_active)
        RETURNING p.sku_key, old.id IS NULL AS added)
    SELECT given.sku, written.added FROM written JOIN given USING (sku_key)
    """  # noqa: S608 - only constants of this module
