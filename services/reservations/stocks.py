"""Stock per product, and the ledger of the movements that change its total."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from services.clock import new_id
from services.db import Database, Executor, Transaction, retried
from services.errors import Invalid, InvalidTransition, OutOfStock
from services.idempotency import IdempotentRequest, remember
from services.reservations.status import MovementKind
from services.reservations.stock_repository import StockRepository
from services.reservations.views import Cause, MovementView, StockAdjustment, StockView

_FIRST_STOCK, _SET_STOCK = Cause(MovementKind.FIRST), Cause(MovementKind.SET)


class Stocks:
    """The units of each product.

    A total changes only by first stock, `set_stock` and `adjust_stock`, each with a movement that keeps the cause, so
    the movements of a product add up to its total. Every method is one transaction, or runs in the caller's when `tx`
    is given.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def stocks(self, product_ids: Sequence[UUID]) -> dict[UUID, StockView]:
        """Stock by product id; a product without a stock row is left out."""
        return {stock.product_id: stock for stock in StockRepository(self._database).find(product_ids)}

    def list_stocks(self, after: UUID | None, limit: int) -> list[StockView]:
        """Stock of up to `limit` products in the order of product ids, starting after `after`."""
        return StockRepository(self._database).page(after, limit)

    @retried
    def add_stocks(
        self, stocks: Sequence[tuple[UUID, int]], cause: Cause = _FIRST_STOCK, tx: Executor | None = None
    ) -> int:
        """Set the available units of products that have no stock row yet; returns how many. Raises Invalid."""
        first = dict(reversed(stocks))
        return StockRepository(tx or self._database).add(list(first), _units(first.values()), cause)

    @retried
    def set_stock(
        self, product_id: UUID, available: int, cause: Cause = _SET_STOCK, *, expected: int | None = None
    ) -> StockView:
        """Set the available units of one product; reserved and sold units stay.

        Raises Invalid, and InvalidTransition when `expected` is given and is not the number of available units now.
        """
        with self._database.transaction() as tx:
            repository = StockRepository(tx)
            changed = repository.set([product_id], _units([available]), cause, expected)
            stock = next(iter(changed or repository.find([product_id])), StockView(product_id, 0, 0, 0, 0))
        if not changed and expected is not None and stock.available != expected:
            raise InvalidTransition("The stock has changed since it was read: read it again.")
        return stock

    @retried
    def set_stocks(self, stocks: Mapping[UUID, int], cause: Cause = _SET_STOCK) -> int:
        """Set the available units of products, as `set_stock`; returns how many have changed. Raises Invalid."""
        return len(StockRepository(self._database).set(list(stocks), _units(stocks.values()), cause))

    @retried
    def adjust_stock(
        self,
        product_id: UUID,
        change: int,
        cause: Cause,
        *,
        tx: Transaction | None = None,
        idempotent: IdempotentRequest | None = None,
    ) -> StockAdjustment:
        """Add `change` units to the available ones, or take so many; the ledger keeps the cause.

        Raises Invalid (no change), OutOfStock when more would be taken than are available, and the errors of
        `idempotency.remember`.
        """
        if change == 0:
            raise Invalid("A change must not be zero.", pointer="/change")
        if tx is not None:
            return _adjusted(tx, product_id, change, cause, idempotent)
        with self._database.transaction() as own:
            return _adjusted(own, product_id, change, cause, idempotent)

    def movements(self, product_id: UUID, after: UUID | None = None, limit: int = 1000) -> list[MovementView]:
        """What has changed the total of a product's stock, the oldest first: up to `limit` after the id `after`."""
        return StockRepository(self._database).movements(product_id, after, limit)


def _units(available: Iterable[int]) -> list[int]:
    units = list(available)
    if any(each < 0 for each in units):
        raise Invalid("Stock must not be negative.", pointer="/available")
    return units


def _adjusted(
    tx: Transaction, product_id: UUID, change: int, cause: Cause, idempotent: IdempotentRequest | None
) -> StockAdjustment:
    repository, movement_id = StockRepository(tx), new_id()
    earlier = remember(tx, idempotent, movement_id, 201)
    movement_id = earlier.resource_id if earlier else movement_id
    stock = None if earlier else repository.adjust(movement_id, product_id, change, cause)
    present = stock or next(iter(repository.find([product_id])), StockView(product_id, 0, 0, 0, 0))
    if stock is None and earlier is None:
        raise OutOfStock([{"productId": str(product_id), "wanted": -change, "available": present.available}])
    return StockAdjustment(movement_id, change, cause.reason, present, replayed=earlier is not None)
