"""Stock is set and adjusted without overwriting what others did, and a ledger keeps each change of a total."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.errors import Invalid, InvalidTransition, OutOfStock
from services.reservations.service import ReservationService
from services.reservations.status import MovementKind
from services.reservations.views import Cause, Item, StockView
from tests.services.reservations.conftest import Warehouse

DAMAGED = Cause(MovementKind.ADJUSTMENT, "damaged in transport", "operator:anna")


def ledger(service: ReservationService, product_id: UUID) -> list[tuple[int, str]]:
    return [(movement.change, movement.kind) for movement in service.movements(product_id)]


def test_T187_every_change_of_a_total_is_in_the_ledger(service: ReservationService, warehouse: Warehouse) -> None:
    tea = warehouse.product(10)
    service.hold(order := new_id(), [Item(tea, 3)], 60)
    service.confirm(order)
    service.set_stock(tea, 20)
    service.set_stock(tea, 20)
    adjusted = service.adjust_stock(tea, -5, DAMAGED)

    assert adjusted.stock == StockView(tea, 18, 15, 0, 3)
    assert ledger(service, tea) == [(10, "first"), (13, "set"), (-5, "adjustment")]
    last = service.movements(tea)[-1]
    assert (last.id, last.reason, last.by) == (adjusted.id, "damaged in transport", "operator:anna")


def test_T187_many_stocks_are_set_at_once(service: ReservationService, warehouse: Warehouse) -> None:
    same, other, new = warehouse.product(1), warehouse.product(2), new_id()
    assert service.set_stocks({same: 1, other: 5, new: 3}) == 2
    assert [ledger(service, each) for each in (same, other, new)] == [
        [(1, "first")],
        [(2, "first"), (3, "set")],
        [(3, "set")],
    ]


def test_T187_units_that_are_held_cannot_be_taken(service: ReservationService, warehouse: Warehouse) -> None:
    tea = warehouse.product(5)
    service.hold(new_id(), [Item(tea, 3)], 60)
    with pytest.raises(OutOfStock) as short:
        service.adjust_stock(tea, -3, DAMAGED)
    assert short.value.extra["short"] == [{"productId": str(tea), "wanted": 3, "available": 2}]
    assert service.adjust_stock(tea, -2, DAMAGED).stock == StockView(tea, 3, 0, 3, 0)
    with pytest.raises(Invalid):
        service.adjust_stock(tea, 0, DAMAGED)
    assert ledger(service, tea) == [(5, "first"), (-2, "adjustment")]


def test_T187_a_product_without_a_stock_row_is_adjusted_upwards_only(service: ReservationService) -> None:
    new = new_id()
    with pytest.raises(OutOfStock):
        service.adjust_stock(new, -1, DAMAGED)
    assert service.adjust_stock(new, 4, DAMAGED).stock == StockView(new, 4, 4, 0, 0)
    assert ledger(service, new) == [(4, "adjustment")]


def test_T187_an_adjustment_is_undone_with_the_transaction_of_its_caller(
    service: ReservationService, warehouse: Warehouse, database: Database
) -> None:
    tea = warehouse.product(1)
    restock = Cause(MovementKind.RESTOCK, "refund")

    def rolled_back() -> None:
        with database.transaction() as tx:
            service.adjust_stock(tea, 2, restock, tx=tx)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rolled_back()
    assert ledger(service, tea) == [(1, "first")]
    with database.transaction() as tx:
        service.adjust_stock(tea, 2, restock, tx=tx)
    assert (warehouse.units(tea), ledger(service, tea)[-1]) == ((3, 0, 0), (2, "restock"))


def test_T187_parallel_adjustments_add_up(service: ReservationService, warehouse: Warehouse) -> None:
    tea = warehouse.product(1000)  # enough, whatever the order is in which they are made
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: service.adjust_stock(tea, (-1) ** number * number, DAMAGED), range(1, 41)))
    assert warehouse.units(tea) == (1020, 0, 0)
    assert sum(change for change, _ in ledger(service, tea)) == 1020


def test_T188_a_stock_that_has_changed_is_not_overwritten(service: ReservationService, warehouse: Warehouse) -> None:
    tea = warehouse.product(10)
    assert service.set_stock(tea, 8, expected=10).available == 8
    service.hold(new_id(), [Item(tea, 1)], 60)
    with pytest.raises(InvalidTransition, match="read it again"):
        service.set_stock(tea, 20, expected=8)
    with pytest.raises(InvalidTransition):
        service.set_stock(tea, 7, expected=8)  # what it has now anyway, but not what was read
    assert service.set_stock(tea, 7, expected=7).available == 7
    assert service.set_stock(new := new_id(), 2, expected=0).available == 2
    with pytest.raises(InvalidTransition):
        service.set_stock(new_id(), 2, expected=1)
    assert ledger(service, tea) == [(10, "first"), (-2, "set")]
    assert ledger(service, new) == [(2, "set")]
