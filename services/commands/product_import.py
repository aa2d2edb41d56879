"""Writes the content of an import file: products and first stock in one transaction, then the stock of all if asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.catalog.comparing import compared
from services.catalog.importing import ImportFile, InvalidRow, InvalidRows
from services.catalog.service import CatalogService
from services.catalog.views import ImportedProduct, ImportResult
from services.db import Transaction
from services.reservations.service import ReservationService
from services.reservations.status import MovementKind
from services.reservations.views import Cause

# Stock rows written in one statement. With --set-stock each batch is committed by itself, so that orders, which wait
# for these rows, wait for no longer than that.
_BATCH = 1000

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ImportSummary:
    """What an import has done, in numbers of products."""

    products: int
    added: int
    changed: int
    #: got their first stock
    stocked: int
    #: existing products whose stock was set
    restocked: int
    #: existing products whose stock is another than that of the file, and was left as it is
    other_stock: int
    #: new products for which the file has no stock
    without_stock: int
    #: existing products by the member that the file does not have, which was left as it is
    left: Mapping[str, int]
    bad: Sequence[InvalidRow] = ()


@dataclass(frozen=True)
class ProductImport:
    """An import of one file."""

    catalog: CatalogService
    reservations: ReservationService
    #: what the ledger of stock says about it
    reason: str = "import"
    by: str = ""
    set_stock: bool = False
    skip_bad: bool = False
    progress: Progress = field(default=lambda _: None)

    def write(self, content: ImportFile) -> ImportSummary:
        """Write it; safe to repeat. Raises InvalidRows, with nothing written, for incomplete new products."""
        products, bad = self._complete(content)
        stocked: list[int] = []

        def add_stocks(tx: Transaction, result: ImportResult) -> None:
            stocked[:] = self._add_stocks(tx, {result.ids[sku]: units for sku, units in stock.items()})

        stock = {each.sku: content.stock[each.sku] for each in products if each.sku in content.stock}
        result = self.catalog.import_products(products, also=add_stocks, progress=self.progress)
        units = {result.ids[sku]: number for sku, number in stock.items()}
        restocked = self._set_stocks(units) if self.set_stock else 0
        return ImportSummary(
            len(products),
            len(result.added),
            len(result.changed),
            sum(stocked),
            restocked,
            0 if self.set_stock else self._other_stock(units),
            sum(sku not in content.stock for sku in result.added),
            _left(products, result),
            [*content.bad, *bad],
        )

    def _complete(self, content: ImportFile) -> tuple[Sequence[ImportedProduct], list[InvalidRow]]:
        incomplete = {product.sku: product for product in self.catalog.incomplete(content.products)}
        bad = [
            InvalidRow(content.places[compared(sku)], f"is a new product and has no {_missing(product)}")
            for sku, product in incomplete.items()
        ]
        if bad and not self.skip_bad:
            raise InvalidRows(bad)
        return [product for product in content.products if product.sku not in incomplete], bad

    def _add_stocks(self, tx: Transaction, units: Mapping[UUID, int]) -> list[int]:
        cause = Cause(MovementKind.FIRST, self.reason, self.by)
        return [self.reservations.add_stocks(some, cause, tx) for some in _batches(sorted(units.items()))]

    def _set_stocks(self, units: Mapping[UUID, int]) -> int:
        cause = Cause(MovementKind.SET, self.reason, self.by)
        return sum(self.reservations.set_stocks(dict(some), cause) for some in _batches(sorted(units.items())))

    def _other_stock(self, units: Mapping[UUID, int]) -> int:
        other = 0
        for some in _batches(sorted(units.items())):
            present = self.reservations.stocks([product_id for product_id, _ in some])
            other += sum(present[product_id].available != number for product_id, number in some)
        return other


def _batches(stocks: Sequence[tuple[UUID, int]]) -> Iterator[Sequence[tuple[UUID, int]]]:
    for start in range(0, len(stocks), _BATCH):
        yield stocks[start : start + _BATCH]


def _missing(product: ImportedProduct) -> str:
    missing = {"name": product.name, "price": product.price}
    return " and no ".join(name for name, value in missing.items() if value is None)


def _left(products: Sequence[ImportedProduct], result: ImportResult) -> Counter[str]:
    left: Counter[str] = Counter()
    for product in products:
        if product.sku in result.added:
            continue
        given = {
            "name": product.name,
            "price": product.price,
            "description": product.description,
            "attributes": product.attributes,
            "isActive": product.is_active,
        }
        left.update(member for member, value in given.items() if value is None)
    return left
