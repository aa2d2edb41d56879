"""CatalogService: what is for sale, at what price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row

from services.catalog import repository
from services.catalog.rules import MAX_DESCRIPTION, MAX_NAME, check_attributes, check_price, check_text, checked
from services.catalog.views import Imported, ProductChange, ProductDraft, ProductView
from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import Invalid, NotFound
from services.idempotency import Idempotent, remember
from services.money import Money

# Products written in one statement.
_BATCH = 1000

_log = structlog.get_logger(__name__)


class CatalogService:
    """Products and prices; their stock belongs to reservations."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock

    def get(self, product_id: UUID, include_inactive: bool = False) -> ProductView:
        """One product. Raises NotFound, also for an inactive one unless that is asked for."""
        found = self.prices([product_id]).get(product_id)
        if found is None or not (found.is_active or include_inactive):
            raise NotFound("There is no such product.")
        return found

    def prices(self, product_ids: Sequence[UUID]) -> dict[UUID, ProductView]:
        """The products of these ids as they are now, inactive ones too (see `is_active`); unknown ones are left out."""
        with self._sessions.begin() as session:
            return {row.id: _view(row) for row in repository.find(session, product_ids)}

    def list(
        self,
        q: str | None = None,
        currency: str | None = None,
        after: UUID | None = None,
        limit: int = 20,
        include_inactive: bool = False,
    ) -> Sequence[ProductView]:
        """A page of products by id: those after the id `after`, whose name or SKU holds `q`, priced in `currency`."""
        pattern = f"%{_literal(q)}%" if q else None
        with self._sessions.begin() as session:
            rows = repository.page(
                session, limit, active_only=not include_inactive, after=after, currency=currency, pattern=pattern
            )
        return [_view(row) for row in rows]

    def is_empty(self) -> bool:
        """True when nothing is for sale: also after an import that was cut off before its products became visible."""
        with self._sessions.begin() as session:
            return not repository.has_active(session)

    @retried
    def import_products(self, drafts: Sequence[ProductDraft], *, hidden: bool = False) -> Imported:
        """Write products by SKU, all or none; what is the same already is left untouched.

        `hidden`: new products stay inactive and the others as active as they were, until a second call without it.
        Raises Invalid for a product that cannot be sold, before anything is written.
        """
        by_sku = {draft.sku: checked(draft) for draft in drafts}
        now = self._clock.override()
        with self._sessions.begin() as session:
            batches = _batches(by_sku[sku] for sku in sorted(by_sku))
            written = [row for batch in batches for row in repository.put(session, batch, hidden, now)]
            ids = repository.ids_of(session, sorted(by_sku))
        added = frozenset(row.sku for row in written if row.added)
        changed = frozenset(row.sku for row in written) - added
        _log.info("catalog.imported", products=len(by_sku), added=len(added), changed=len(changed), hidden=hidden)
        return Imported(added, changed, ids)

    @retried
    def add(self, draft: ProductDraft, idempotent: Idempotent | None = None) -> tuple[ProductView, bool]:
        """Write a new product; also whether an earlier request with the same key had done so.

        Raises Invalid, with a pointer, for what cannot be sold and for a SKU that there is; and as
        `idempotency.remember`.
        """
        checked(draft)
        product_id = new_id()
        with self._sessions.begin() as session:
            if replay := remember(session, idempotent, product_id, 201):
                return _view(repository.find(session, [replay.resource_id])[0]), True
            row = repository.add(session, product_id, draft, self._clock.override())
            if row is None:
                raise Invalid("There is a product with this SKU: change it instead.", pointer="/sku")
        _log.info("catalog.added", product_id=str(product_id))
        return _view(row), False

    @retried
    def change(self, product_id: UUID, wanted: ProductChange) -> ProductView:
        """Change some fields of a product. Raises NotFound, Invalid."""
        values = _changed(wanted)
        with self._sessions.begin() as session:
            row = repository.change(session, product_id, values, self._clock.override())
        if row is None:
            raise NotFound("There is no such product.")
        return _view(row)


def _batches(drafts: Iterable[ProductDraft]) -> Iterable[Sequence[ProductDraft]]:
    remaining = iter(drafts)
    while batch := tuple(islice(remaining, _BATCH)):
        yield batch


def _changed(wanted: ProductChange) -> dict[str, Any]:
    if wanted.name is not None:
        check_text(wanted.name, "/name", MAX_NAME)
    if wanted.description is not None:
        check_text(wanted.description, "/description", MAX_DESCRIPTION, free=True)
    if wanted.price is not None:
        check_price(wanted.price)
    if wanted.attributes is not None:
        check_attributes(wanted.attributes)
    values = {
        "name": wanted.name,
        "description": wanted.description,
        "price_minor": wanted.price and wanted.price.minor,
        "currency": wanted.price and wanted.price.currency,
        "attributes": wanted.attributes,
        "is_active": wanted.is_active,
    }
    return {name: value for name, value in values.items() if value is not None}


def _literal(q: str) -> str:
    # ILIKE's own signs are meant literally: `100%` finds only itself (ABUSE T73).
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _view(row: Row[Any]) -> ProductView:
    price = Money(row.price_minor, row.currency)
    return ProductView(row.id, row.sku, row.name, row.description, price, row.attributes, row.is_active)
