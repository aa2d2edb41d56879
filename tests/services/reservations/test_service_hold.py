"""Holds: all lines or none, once per order, never more than the stock."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.errors import Invalid, OutOfStock, ReservationClosed, ReservationExists
from services.reservations.service import ReservationService
from services.reservations.status import ReservationStatus
from services.reservations.views import Item, StockView
from tests.fakes.clock import FakeClock
from tests.services.reservations.conftest import Warehouse


def test_every_line_is_held(service: ReservationService, warehouse: Warehouse) -> None:
    tea, cup = warehouse.product(5), warehouse.product(1)
    order_id = new_id()
    held = service.hold(order_id, [Item(cup, 1), Item(tea, 2)], 1200)
    assert (held.order_id, held.status, held.pinned) == (order_id, ReservationStatus.RESERVED, False)
    assert held.items == (Item(tea, 2), Item(cup, 1))
    assert held.expires_at is not None
    assert (held.expires_at - held.created_at).total_seconds() == 1200
    assert (warehouse.units(tea), warehouse.units(cup)) == ((3, 2, 0), (0, 1, 0))
    assert service.find(order_id) == held == service.get(held.id)


def test_T48_T80_lines_of_one_product_are_summed_before_the_check(
    service: ReservationService, warehouse: Warehouse
) -> None:
    tea = warehouse.product(3)
    with pytest.raises(OutOfStock) as refusal:
        service.hold(new_id(), [Item(tea, 2), Item(tea, 2)], 60)
    assert refusal.value.extra["short"] == [{"productId": str(tea), "wanted": 4, "available": 3}]
    assert service.hold(new_id(), [Item(tea, 1), Item(tea, 2)], 60).items == (Item(tea, 3),)
    assert warehouse.units(tea) == (0, 3, 0)


@pytest.mark.parametrize("quantity", [0, -1, 500_000_001, 2**63])
def test_T80_invalid_quantities(service: ReservationService, warehouse: Warehouse, quantity: int) -> None:
    tea = warehouse.product(5)
    with pytest.raises(Invalid) as refusal:
        service.hold(new_id(), [Item(tea, 1), Item(tea, quantity)], 60)
    assert refusal.value.pointer == "/items/1/quantity"
    assert warehouse.units(tea) == (5, 0, 0)


@pytest.mark.parametrize("lines", [0, 501])
def test_T80_too_few_or_too_many_lines(service: ReservationService, warehouse: Warehouse, lines: int) -> None:
    with pytest.raises(Invalid):
        service.hold(new_id(), [Item(new_id(), 1)] * lines, 60)


def test_T80_a_hold_without_enough_stock_names_the_shortages(service: ReservationService, warehouse: Warehouse) -> None:
    tea, cup, order_id = warehouse.product(5), warehouse.product(1), new_id()
    unknown = UUID(int=1)
    with pytest.raises(OutOfStock) as refusal:
        service.hold(order_id, [Item(tea, 5), Item(cup, 2), Item(unknown, 1)], 60)
    assert refusal.value.extra["short"] == [
        {"productId": str(unknown), "wanted": 1, "available": 0},
        {"productId": str(cup), "wanted": 2, "available": 1},
    ]
    assert (warehouse.units(tea), warehouse.units(cup)) == ((5, 0, 0), (1, 0, 0))
    assert service.find(order_id) is None


def test_T79_a_repeated_hold_returns_the_reservation(service: ReservationService, warehouse: Warehouse) -> None:
    tea, cup, order_id = warehouse.product(5), warehouse.product(5), new_id()
    held = service.hold(order_id, [Item(tea, 2), Item(cup, 1)], 60)
    assert service.hold(order_id, [Item(cup, 1), Item(tea, 1), Item(tea, 1)], 60) == held
    with pytest.raises(ReservationExists):
        service.hold(order_id, [Item(tea, 3), Item(cup, 1)], 60)
    with pytest.raises(ReservationExists):
        service.hold(order_id, [Item(tea, 2)], 60)
    assert (warehouse.units(tea), warehouse.units(cup)) == ((3, 2, 0), (4, 1, 0))


def test_T79_a_repeated_hold_of_a_confirmed_order(service: ReservationService, warehouse: Warehouse) -> None:
    tea, order_id = warehouse.product(5), new_id()
    service.hold(order_id, [Item(tea, 2)], 60)
    confirmed = service.confirm(order_id)
    assert service.hold(order_id, [Item(tea, 2)], 60) == confirmed
    with pytest.raises(ReservationClosed):
        service.hold(order_id, [Item(tea, 1)], 60)
    assert warehouse.units(tea) == (3, 0, 2)


def test_T81_a_hold_after_release_is_refused(service: ReservationService, warehouse: Warehouse) -> None:
    tea, order_id = warehouse.product(5), new_id()
    service.hold(order_id, [Item(tea, 2)], 60)
    service.release(order_id)
    with pytest.raises(ReservationClosed):
        service.hold(order_id, [Item(tea, 2)], 60)
    assert warehouse.units(tea) == (5, 0, 0)


def test_T81_F11_a_hold_after_a_tombstone_is_refused(service: ReservationService, warehouse: Warehouse) -> None:
    tea, order_id = warehouse.product(5), new_id()
    buried = service.release(order_id)
    assert (buried.status, buried.items, buried.expires_at) == (ReservationStatus.RELEASED, (), None)
    with pytest.raises(ReservationClosed):
        service.hold(order_id, [Item(tea, 2)], 60)
    assert service.release(order_id) == buried
    assert warehouse.units(tea) == (5, 0, 0)


def test_T81_a_hold_after_expiry_is_refused(
    service: ReservationService, warehouse: Warehouse, clock: FakeClock, database: Database
) -> None:
    tea, order_id = warehouse.product(5), new_id()
    service.hold(order_id, [Item(tea, 2)], 60)
    clock.set_from_database(database, 61)
    with pytest.raises(ReservationClosed):
        service.hold(order_id, [Item(tea, 2)], 60)
    assert warehouse.units(tea) == (3, 2, 0)


def test_a_hold_can_be_pinned_at_first_or_when_repeated(
    service: ReservationService, warehouse: Warehouse, clock: FakeClock, database: Database
) -> None:
    tea, first, second = warehouse.product(5), new_id(), new_id()
    assert service.hold(first, [Item(tea, 1)], 60, pinned=True).pinned
    service.hold(second, [Item(tea, 1)], 60)
    assert service.hold(second, [Item(tea, 1)], 60, pinned=True).pinned
    clock.set_from_database(database, 3600)
    assert service.sweep() == 0
    assert warehouse.units(tea) == (3, 2, 0)


def test_add_stocks_and_set_stock(service: ReservationService, warehouse: Warehouse) -> None:
    rows = [(new_id(), number) for number in range(4_500)]
    assert service.add_stocks(rows) == 4_500
    assert service.add_stocks([*rows, (new_id(), 1)]) == 1
    product_id, _ = rows[7]
    service.hold(new_id(), [Item(product_id, 3)], 60)
    assert service.set_stock(product_id, 20) == StockView(product_id, 23, 20, 3, 0)
    other = new_id()
    assert service.set_stock(other, 2) == StockView(other, 2, 2, 0, 0)
    with pytest.raises(Invalid):
        service.set_stock(product_id, -1)
    with pytest.raises(Invalid):
        service.add_stocks([(new_id(), -1)])


def test_list_stocks_by_pages(service: ReservationService) -> None:
    rows = sorted((new_id(), 1) for _ in range(5))
    service.add_stocks(rows)
    first = service.list_stocks(None, 3)
    assert [stock.product_id for stock in first] == [product_id for product_id, _ in rows[:3]]
    assert [stock.product_id for stock in service.list_stocks(first[-1].product_id, 3)] == [row[0] for row in rows[3:]]
    assert service.stocks([rows[0][0], new_id()]) == {rows[0][0]: StockView(rows[0][0], 1, 1, 0, 0)}
