"""Products and prices: reading, importing, adding and changing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from uuid import UUID

import structlog

from services.catalog import repository
from services.catalog.rules import MAX_DESCRIPTION, MAX_NAME, check_attributes, check_price, check_text, checked_product
from services.catalog.views import ImportResult, ProductChange, ProductDraft, ProductView, StockedProduct
from services.clock import new_id
from services.db import Database, retried
from services.errors import Invalid, NotFound
from services.idempotency import IdempotentRequest, remember

# Products written in one statement.
_BATCH = 1000

_log = structlog.get_logger(__name__)


class CatalogService:
    """Products and prices; their stock belongs to the reservations service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, product_id: UUID, include_inactive: bool = False) -> ProductView:
        """One product. Raises NotFound, also for an inactive one unless `include_inactive`."""
        found = self.prices([product_id]).get(product_id)
        if found is None or not (found.is_active or include_inactive):
            raise NotFound("There is no such product.")
        return found

    def get_stocked(self, product_id: UUID, include_inactive: bool = False) -> StockedProduct:
        """As `get`, with the stock that it has at the same moment."""
        found = repository.find_stocked(self._database, product_id)
        if found is None or not (found.product.is_active or include_inactive):
            raise NotFound("There is no such product.")
        return found

    def prices(self, product_ids: Sequence[UUID]) -> dict[UUID, ProductView]:
        """The current products with these ids, including inactive ones (see `is_active`); unknown ids are left out."""
        return {product.id: product for product in repository.find(self._database, product_ids)}

    def list(
        self,
        q: str | None = None,
        currency: str | None = None,
        after: UUID | None = None,
        limit: int = 20,
        include_inactive: bool = False,
    ) -> Sequence[ProductView]:
        """Products by id: those after the id `after`, whose name or SKU contains `q`, priced in `currency`."""
        return [each.product for each in self.list_stocked(q, currency, after, limit, include_inactive)]

    def list_stocked(
        self,
        q: str | None = None,
        currency: str | None = None,
        after: UUID | None = None,
        limit: int = 20,
        include_inactive: bool = False,
    ) -> Sequence[StockedProduct]:
        """As `list`, with the stock that they have at the same moment."""
        pattern = f"%{_literal(q)}%" if q else None
        return repository.page(
            self._database, limit, active_only=not include_inactive, after=after, currency=currency, pattern=pattern
        )

    def is_empty(self) -> bool:
        """True when no product is for sale, also after an import that stopped before its products became visible."""
        return not repository.has_active(self._database)

    @retried
    def import_products(self, drafts: Sequence[ProductDraft], *, hidden: bool = False) -> ImportResult:
        """Insert or update products by SKU, all or none; unchanged products are not written.

        `hidden`: new products stay inactive and existing ones as active as they were, until a second call without it.
        Raises Invalid for an invalid product, before anything is written.
        """
        by_sku = {draft.sku: checked_product(draft) for draft in drafts}
        with self._database.transaction() as tx:
            batches = _batches(by_sku[sku] for sku in sorted(by_sku))
            written = [row for batch in batches for row in repository.upsert(tx, batch, hidden)]
            ids = repository.ids_of(tx, sorted(by_sku))
        added = frozenset(row.sku for row in written if row.added)
        changed = frozenset(row.sku for row in written) - added
        _log.info("catalog.imported", products=len(by_sku), added=len(added), changed=len(changed), hidden=hidden)
        return ImportResult(added, changed, ids)

    @retried
    def add(self, draft: ProductDraft, idempotent: IdempotentRequest | None = None) -> tuple[ProductView, bool]:
        """Add a product; the second value is True when an earlier request with the same key had added it.

        Raises Invalid, with a pointer, for an invalid product or an existing SKU; and the errors of
        `idempotency.remember`.
        """
        checked_product(draft)
        product_id = new_id()
        with self._database.transaction() as tx:
            if replay := remember(tx, idempotent, product_id, 201):
                return repository.find(tx, [replay.resource_id])[0], True
            product = repository.add(tx, product_id, draft)
            if product is None:
                raise Invalid("There is a product with this SKU: change it instead.", pointer="/sku")
        _log.info("catalog.added", product_id=str(product_id))
        return product, False

    @retried
    def change(self, product_id: UUID, wanted: ProductChange) -> ProductView:
        """Change some fields of a product. Raises NotFound, Invalid."""
        _check_change(wanted)
        product = repository.change(self._database, product_id, wanted)
        if product is None:
            raise NotFound("There is no such product.")
        return product


def _batches(drafts: Iterable[ProductDraft]) -> Iterable[Sequence[ProductDraft]]:
    remaining = iter(drafts)
    while batch := tuple(islice(remaining, _BATCH)):
        yield batch


def _check_change(wanted: ProductChange) -> None:
    if wanted.name is not None:
        check_text(wanted.name, "/name", MAX_NAME)
    if wanted.description is not None:
        check_text(wanted.description, "/description", MAX_DESCRIPTION, multiline=True)
    if wanted.price is not None:
        check_price(wanted.price)
    if wanted.attributes is not None:
        check_attributes(wanted.attributes)


def _literal(q: str) -> str:
    # Special characters of ILIKE are escaped: `100%` matches only itself (ABUSE T73).
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
