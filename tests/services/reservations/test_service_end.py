"""The end of a hold: confirmed, released or expired, exactly once."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.errors import InvalidTransition, NotFound, ReservationClosed, ReservationExpired
from services.reservations.service import ReservationService
from services.reservations.status import ReservationStatus
from services.reservations.views import Item
from tests.fakes.clock import FakeClock
from tests.services.reservations.conftest import Warehouse


@pytest.fixture
def tea(warehouse: Warehouse) -> UUID:
    return warehouse.product(5)


@pytest.fixture
def order_id(service: ReservationService, tea: UUID) -> UUID:
    """An order that holds two of five units for 60 s."""
    order_id = new_id()
    service.hold(order_id, [Item(tea, 2)], 60)
    return order_id


def test_T84_confirm_twice(service: ReservationService, warehouse: Warehouse, tea: UUID, order_id: UUID) -> None:
    confirmed = service.confirm(order_id)
    assert (confirmed.status, confirmed.items) == (ReservationStatus.CONFIRMED, (Item(tea, 2),))
    assert service.confirm(order_id) == confirmed == service.find(order_id)
    assert warehouse.units(tea) == (3, 0, 2)


def test_T84_confirm_after_release(
    service: ReservationService, warehouse: Warehouse, tea: UUID, order_id: UUID
) -> None:
    service.release(order_id)
    with pytest.raises(InvalidTransition):
        service.confirm(order_id)
    assert warehouse.units(tea) == (5, 0, 0)


def test_T84_confirm_after_expiry(
    service: ReservationService,
    warehouse: Warehouse,
    tea: UUID,
    order_id: UUID,
    clock: FakeClock,
    database: Database,
) -> None:
    clock.set_from_database(database, 61)
    with pytest.raises(ReservationExpired):
        service.confirm(order_id)
    assert service.sweep() == 1
    with pytest.raises(ReservationExpired):
        service.confirm(order_id)
    assert warehouse.units(tea) == (5, 0, 0)


def test_confirm_pin_and_extend_without_a_reservation(service: ReservationService) -> None:
    with pytest.raises(NotFound):
        service.confirm(new_id())
    with pytest.raises(NotFound):
        service.pin(new_id())
    with pytest.raises(NotFound):
        service.extend(new_id(), 60)
    with pytest.raises(NotFound):
        service.get(new_id())


def test_T85_release_twice(service: ReservationService, warehouse: Warehouse, tea: UUID, order_id: UUID) -> None:
    released = service.release(order_id)
    assert (released.status, released.items) == (ReservationStatus.RELEASED, (Item(tea, 2),))
    assert service.release(order_id) == released
    assert warehouse.units(tea) == (5, 0, 0)


def test_T85_release_after_confirm(
    service: ReservationService, warehouse: Warehouse, tea: UUID, order_id: UUID
) -> None:
    service.confirm(order_id)
    with pytest.raises(InvalidTransition):
        service.release(order_id)
    assert warehouse.units(tea) == (3, 0, 2)


def test_release_of_an_expired_hold_returns_units_once(
    service: ReservationService,
    warehouse: Warehouse,
    tea: UUID,
    order_id: UUID,
    clock: FakeClock,
    database: Database,
) -> None:
    clock.set_from_database(database, 61)
    assert service.release(order_id).status is ReservationStatus.EXPIRED
    assert service.release(order_id).status is ReservationStatus.EXPIRED
    assert service.sweep() == 0
    assert warehouse.units(tea) == (5, 0, 0)


def test_F60_a_pinned_hold_does_not_expire_and_is_confirmed(
    service: ReservationService,
    warehouse: Warehouse,
    tea: UUID,
    order_id: UUID,
    clock: FakeClock,
    database: Database,
) -> None:
    assert service.pin(order_id) == service.pin(order_id)
    clock.set_from_database(database, 3600)
    assert service.sweep() == 0
    assert service.pin(order_id).status is ReservationStatus.RESERVED
    assert service.confirm(order_id).status is ReservationStatus.CONFIRMED
    assert service.pin(order_id).status is ReservationStatus.CONFIRMED
    assert warehouse.units(tea) == (3, 0, 2)


def test_T65_an_expired_hold_cannot_be_pinned(
    service: ReservationService, order_id: UUID, clock: FakeClock, database: Database
) -> None:
    clock.set_from_database(database, 61)
    with pytest.raises(ReservationExpired):
        service.pin(order_id)
    with pytest.raises(ReservationExpired):
        service.extend(order_id, 60)
    found = service.find(order_id)
    assert found is not None
    assert (found.status, found.pinned) == (ReservationStatus.EXPIRED, False)


def test_a_released_hold_cannot_be_pinned_or_extended(service: ReservationService, order_id: UUID) -> None:
    service.release(order_id)
    with pytest.raises(ReservationClosed):
        service.pin(order_id)
    with pytest.raises(ReservationClosed):
        service.extend(order_id, 60)


def test_extend_never_shortens_a_hold(
    service: ReservationService, order_id: UUID, clock: FakeClock, database: Database
) -> None:
    held = service.find(order_id)
    assert held is not None
    assert service.extend(order_id, 30).expires_at == held.expires_at
    clock.set_from_database(database, 10)
    assert clock.at is not None
    expires_at = service.extend(order_id, 3900).expires_at
    assert expires_at is not None
    assert (expires_at - clock.at).total_seconds() == 3900


def test_an_expired_hold_is_swept_once(
    service: ReservationService,
    warehouse: Warehouse,
    tea: UUID,
    order_id: UUID,
    clock: FakeClock,
    database: Database,
) -> None:
    clock.set_from_database(database, 59)
    assert service.sweep() == 0
    clock.set_from_database(database, 61)
    found = service.find(order_id)
    assert found is not None
    assert found.status is ReservationStatus.EXPIRED
    assert warehouse.units(tea) == (3, 2, 0)
    assert (service.sweep(), service.sweep()) == (1, 0)
    assert service.get(found.id).status is ReservationStatus.EXPIRED
    assert warehouse.units(tea) == (5, 0, 0)


def test_a_sweep_respects_its_limit(
    service: ReservationService, warehouse: Warehouse, clock: FakeClock, database: Database
) -> None:
    tea, cup = warehouse.product(100), warehouse.product(100)
    for _ in range(7):
        service.hold(new_id(), [Item(cup, 2), Item(tea, 1)], 60)
    clock.set_from_database(database, 61)
    assert service.sweep(limit=5) == 5
    assert warehouse.units(tea) == (98, 2, 0)
    assert service.sweep(limit=5) == 2
    assert (warehouse.units(tea), warehouse.units(cup)) == ((100, 0, 0), (100, 0, 0))


def test_I4_a_hold_that_is_over_holds_goods_until_it_is_ended(
    service: ReservationService, order_id: UUID, clock: FakeClock, database: Database
) -> None:
    clock.set_from_database(database, 61)
    assert service.holds_goods(order_id)
    service.sweep()
    assert not service.holds_goods(order_id)
