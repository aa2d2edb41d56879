"""Products and prices: reading, importing, adding and changing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from uuid import UUID

import structlog
from psycopg.errors import UniqueViolation

from services.catalog import repository
from services.catalog.comparing import compared
from services.catalog.rules import check_product
from services.catalog.views import (
    ImportedProduct,
    ImportResult,
    ProductChange,
    ProductDraft,
    ProductView,
    StockedProduct,
)
from services.clock import new_id
from services.db import Database, Executor, Transaction, retried
from services.errors import Invalid, NotFound
from services.idempotency import IdempotentRequest, remember

# Products written in one statement.
_BATCH = 1000

_log = structlog.get_logger(__name__)
#: How often an import is repeated because another one added one of its products at the same moment.
REPEATED = 5


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
        found = self.stocked([product_id]).get(product_id)
        if found is None or not (found.product.is_active or include_inactive):
            raise NotFound("There is no such product.")
        return found

    def stocked(self, product_ids: Sequence[UUID], tx: Executor | None = None) -> dict[UUID, StockedProduct]:
        """As `prices`, with the stock that they have at the same moment; in the transaction `tx` when it is given."""
        return {each.product.id: each for each in repository.find_stocked(tx or self._database, product_ids)}

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
        """Products by id: those after the id `after`, whose name or SKU contains `q` (see `comparing.searched_sql`),
        priced in `currency`."""
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
        return repository.page(
            self._database, limit, active_only=not include_inactive, after=after, currency=currency, q=q or None
        )

    def is_empty(self) -> bool:
        """True when no product is for sale."""
        return not repository.has_active(self._database)

    def incomplete(self, products: Iterable[ImportedProduct]) -> Sequence[ImportedProduct]:
        """Those that would be new, but have no name or no price."""
        missing = [product for product in products if not product.complete]
        found = (repository.ids_of(self._database, [each.sku for each in some]) for some in _batches(missing))
        known = {sku for ids in found for sku in ids}
        return [product for product in missing if product.sku not in known]

    def import_products(
        self,
        products: Sequence[ProductDraft | ImportedProduct],
        *,
        also: Callable[[Transaction, ImportResult], None] | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> ImportResult:
        """Insert or update products by SKU in one transaction, all or none; unchanged products are not written.

        `also` is called in the same transaction, after the products are written; `progress` after each batch, with the
        number of products written so far.
        Raises Invalid for an invalid product, or for one that is new and not complete; then nothing is written.
        """
        # Everything that takes long is done before the transaction, which must not be idle.
        in_order = _in_order(products)
        for product in in_order:
            check_product(product)
        if self.incomplete(in_order):
            raise Invalid("A new product needs a name and a price.", pointer="/name")

        def write(tx: Transaction) -> ImportResult:
            result = _import(tx, in_order, progress)
            if also is not None:
                also(tx, result)
            return result

        for _ in range(REPEATED):
            try:
                return self._database.run_in_transaction(write)
            except UniqueViolation:
                # Another import has added one of the products since: the next attempt finds and updates it.
                _log.info("catalog.import_repeated")
        return self._database.run_in_transaction(write)

    @retried
    def add(self, draft: ProductDraft, idempotent: IdempotentRequest | None = None) -> tuple[ProductView, bool]:
        """Add a product; the second value is True when an earlier request with the same key had added it.

        Raises Invalid, with a pointer, for an invalid product or an existing SKU; and the errors of
        `idempotency.remember`.
        """
        check_product(draft)
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
        check_product(wanted)
        product = repository.change(self._database, product_id, wanted)
        if product is None:
            raise NotFound("There is no such product.")
        return product


def _import(tx: Executor, products: Sequence[ImportedProduct], progress: Callable[[int], None]) -> ImportResult:
    added: set[str] = set()
    changed: set[str] = set()
    ids: dict[str, UUID] = {}
    for batch in _batches(products):
        # The SKUs of the products, and not those of the rows: one copy of each in memory.
        skus = {product.sku: product.sku for product in batch}
        for row in repository.upsert(tx, batch):
            (added if row.added else changed).add(skus[row.sku])
        ids |= {skus[sku]: product_id for sku, product_id in repository.ids_of(tx, list(skus)).items()}
        progress(len(ids))
    _log.info("catalog.imported", products=len(products), added=len(added), changed=len(changed))
    return ImportResult(added, changed, ids)


def _in_order(products: Iterable[ProductDraft | ImportedProduct]) -> Sequence[ImportedProduct]:
    by_key = {compared(product.sku): product for product in products}
    return [_imported(by_key[key]) for key in sorted(by_key)]


def _imported(product: ProductDraft | ImportedProduct) -> ImportedProduct:
    if isinstance(product, ImportedProduct):
        return product
    return ImportedProduct(
        product.sku, product.name, product.price, product.description, product.attributes, product.is_active
    )


def _batches(products: Iterable[ImportedProduct]) -> Iterator[Sequence[ImportedProduct]]:
    remaining = iter(products)
    while batch := tuple(islice(remaining, _BATCH)):
        yield batch
