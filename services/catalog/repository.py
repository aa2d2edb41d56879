"""The catalog in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.catalog.views import ProductDraft
from services.clock import NOW, new_id


def find(session: Session, product_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """The products of these ids, active or not."""
    return session.execute(_FIND, {"ids": list(product_ids)}).all()


def page(session: Session, limit: int, *, active_only: bool, **wanted: object) -> Sequence[Row[Any]]:
    """A page by id; `wanted` may hold `after` (an id), `currency` and `pattern` (for ILIKE)."""
    given = {name: value for name, value in wanted.items() if value is not None}
    filters = [_FILTERS[name] for name in given] + (["is_active"] if active_only else [])
    where = f"WHERE {' AND '.join(filters)}" if filters else ""
    statement = f"SELECT {_COLUMNS} FROM catalog.products {where} ORDER BY id LIMIT :limit"  # noqa: S608 - constants
    return session.execute(text(statement), {**given, "limit": limit}).all()


def put(session: Session, drafts: Sequence[ProductDraft], hidden: bool, now: datetime | None) -> Sequence[Row[Any]]:
    """Write products by SKU; returns `sku, added` of those that are new or differ from before.

    `drafts` come in the order of their SKUs over all calls of a transaction, so that imports cannot deadlock.
    """
    rows = [_row(draft) for draft in drafts]
    return session.execute(_PUT, {"rows": json.dumps(rows), "hidden": hidden, "now": now}).all()


def add(session: Session, product_id: UUID, draft: ProductDraft, now: datetime | None) -> Row[Any] | None:
    """Write a new product; None when there is one with its SKU."""
    values = {**_row(draft), "id": product_id, "attributes": json.dumps(dict(draft.attributes)), "now": now}
    return session.execute(_ADD, values).one_or_none()


def ids_of(session: Session, skus: Sequence[str]) -> dict[str, UUID]:
    """The id of each SKU that there is."""
    return {row.sku: row.id for row in session.execute(_IDS, {"skus": list(skus)})}


def change(session: Session, product_id: UUID, values: Mapping[str, Any], now: datetime | None) -> Row[Any] | None:
    """Set the given columns; the product as it is then, or None when there is none."""
    given = {name: json.dumps(value) if name == "attributes" else value for name, value in values.items()}
    settings = ", ".join([*(_SETTINGS[name] for name in given), f"updated_at = {NOW}"])
    statement = f"UPDATE catalog.products SET {settings} WHERE id = :product_id RETURNING {_COLUMNS}"  # noqa: S608
    return session.execute(text(statement), {**given, "product_id": product_id, "now": now}).one_or_none()


def has_active(session: Session) -> bool:
    """Whether anything is for sale."""
    return bool(session.execute(text("SELECT EXISTS (SELECT FROM catalog.products WHERE is_active)")).scalar_one())


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
    "after": "id > :after",
    "currency": "currency = :currency",
    "pattern": "(name ILIKE :pattern OR sku ILIKE :pattern)",
}
_SETTINGS = {
    "name": "name = :name",
    "description": "description = :description",
    "price_minor": "price_minor = :price_minor",
    "currency": "currency = :currency",
    "attributes": "attributes = cast(:attributes AS jsonb)",
    "is_active": "is_active = :is_active",
}
_FIND = text(f"SELECT {_COLUMNS} FROM catalog.products WHERE id = ANY(:ids)")  # noqa: S608
_IDS = text("SELECT sku, id FROM catalog.products WHERE sku = ANY(:skus)")
_ADD = text(
    f"""
    INSERT INTO catalog.products ({_COLUMNS}, created_at, updated_at)
    VALUES (:id, :sku, :name, :description, :price_minor, :currency, cast(:attributes AS jsonb), :is_active,
            {NOW}, {NOW})
        ON CONFLICT (sku) DO NOTHING
    RETURNING {_COLUMNS}
    """  # noqa: S608
)
_VISIBLE = "CASE WHEN :hidden THEN p.is_active ELSE excluded.is_active END"
# A row that says nothing new is not written, so that a repeated import leaves no trace.
# Hidden: what is new is not for sale yet, and what there is stays as visible as it was.
_PUT = text(
    f"""
    INSERT INTO catalog.products AS p
           ({_COLUMNS}, created_at, updated_at)
    SELECT id, sku, name, description, price_minor, currency, attributes, is_active AND NOT :hidden, {NOW}, {NOW}
      FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS r(
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
    """  # noqa: S608
)
