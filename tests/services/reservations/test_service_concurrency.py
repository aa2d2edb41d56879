"""Concurrent holds, confirmations, releases and sweeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from services.clock import new_id
from services.db import Database
from services.errors import MarketError
from services.reservations.service import ReservationService
from services.reservations.views import Item
from tests.deadlocks import deadlocks
from tests.fakes.clock import FakeClock
from tests.services.reservations.conftest import Warehouse

THREADS = 32


def outcomes(calls: Sequence[Callable[[], object]], threads: int = THREADS) -> Counter[str]:
    """Run the calls concurrently and count the results: `ok`, or the code of the error."""

    def ended(call: Callable[[], object]) -> str:
        try:
            call()
        except MarketError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(ended, calls))


def test_F61_one_of_fifty_concurrent_holds_gets_the_last_unit(
    service: ReservationService, warehouse: Warehouse
) -> None:
    tea = warehouse.product(1)
    ended = outcomes([lambda: service.hold(new_id(), [Item(tea, 1)], 60)] * 50, threads=50)
    assert ended == {"ok": 1, "out-of-stock": 49}
    assert warehouse.units(tea) == (0, 1, 0)


def test_T62_fifty_concurrent_holds_of_one_order(service: ReservationService, warehouse: Warehouse) -> None:
    tea, order_id = warehouse.product(100), new_id()
    with ThreadPoolExecutor(THREADS) as pool:
        held = list(pool.map(lambda _: service.hold(order_id, [Item(tea, 2)], 60), range(50)))
    assert {reservation.id for reservation in held} == {held[0].id}
    assert warehouse.units(tea) == (98, 2, 0)


def test_F27_T82_holds_in_opposite_product_order_do_not_deadlock(
    service: ReservationService, warehouse: Warehouse, database: Database, clock: FakeClock
) -> None:
    products = [warehouse.product(100_000) for _ in range(4)]
    before = deadlocks(database)

    def trade(number: int) -> None:
        ordered = products if number % 2 else products[::-1]
        order_id = new_id()
        service.hold(
            order_id, [Item(product_id, 1 + number % 3) for product_id in ordered], 0 if number % 5 == 0 else 60
        )
        if number % 5 == 0:
            service.sweep(limit=3)
        elif number % 3:
            service.confirm(order_id)
        else:
            service.release(order_id)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(trade, range(800)))
    assert deadlocks(database) == before


def test_T86_concurrent_confirm_and_release(service: ReservationService, warehouse: Warehouse) -> None:
    tea = warehouse.product(1000)
    orders = [new_id() for _ in range(40)]
    for order_id in orders:
        service.hold(order_id, [Item(tea, 1)], 60)
    calls: list[Callable[[], object]] = []
    for order_id in orders:
        calls += [partial(service.confirm, order_id), partial(service.release, order_id)]
    assert outcomes(calls) == {"ok": 40, "invalid-transition": 40}
    available, reserved, sold = warehouse.units(tea)
    assert (available + sold, reserved) == (1000, 0)


def test_F02_concurrent_hold_and_release_hold_nothing(service: ReservationService, warehouse: Warehouse) -> None:
    tea = warehouse.product(1000)
    orders = [new_id() for _ in range(40)]
    calls: list[Callable[[], object]] = []
    for order_id in orders:
        calls += [partial(service.hold, order_id, [Item(tea, 1)], 60), partial(service.release, order_id)]
    ended = outcomes(calls)
    assert set(ended) <= {"ok", "reservation-closed"}
    assert warehouse.units(tea) == (1000, 0, 0)


def test_concurrent_sweeps_return_units_once(
    service: ReservationService, warehouse: Warehouse, clock: FakeClock, database: Database
) -> None:
    tea, cup = warehouse.product(100), warehouse.product(100)
    for number in range(60):
        service.hold(new_id(), [Item(cup if number % 2 else tea, 1)], 60)
    clock.set_from_database(database, 61)
    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda _: service.sweep(limit=10), range(8)))
    assert sum(ended) + service.sweep(limit=60) == 60
    assert (warehouse.units(tea), warehouse.units(cup)) == ((100, 0, 0), (100, 0, 0))


def test_a_sweep_skips_a_locked_hold(
    service: ReservationService, warehouse: Warehouse, clock: FakeClock, database: Database
) -> None:
    tea, busy = warehouse.product(10), new_id()
    service.hold(busy, [Item(tea, 1)], 60)
    service.hold(new_id(), [Item(tea, 1)], 60)
    clock.set_from_database(database, 61)
    with database.transaction() as tx:
        lock = "SELECT 1 FROM reservations.reservations WHERE order_id = %(order_id)s FOR UPDATE"
        tx.execute(lock, {"order_id": busy})
        assert service.sweep() == 1
    assert service.sweep() == 1


def test_four_hundred_holds_of_one_product(service: ReservationService, warehouse: Warehouse) -> None:
    tea: UUID = warehouse.product(300)
    ended = outcomes([lambda: service.hold(new_id(), [Item(tea, 1)], 60)] * 400, threads=16)
    assert ended == {"ok": 300, "out-of-stock": 100}
    assert warehouse.units(tea) == (0, 300, 0)
