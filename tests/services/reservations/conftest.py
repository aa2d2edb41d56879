"""Fixtures for tests of reservations: service, clock, and a check after each test that stock and holds agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.reservations.service import ReservationService
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(database: Database, clock: FakeClock) -> Iterator[ReservationService]:
    yield ReservationService(database.with_clock(clock))
    assert_I1_I2(database)


@dataclass(frozen=True)
class Warehouse:
    """Creates products with stock and reads their units."""

    service: ReservationService

    def product(self, available: int) -> UUID:
        """A new product with `available` units."""
        product_id = new_id()
        self.service.add_stocks([(product_id, available)])
        return product_id

    def units(self, product_id: UUID) -> tuple[int, int, int]:
        """Units available, reserved and sold."""
        stock = self.service.stocks([product_id])[product_id]
        return stock.available, stock.reserved, stock.sold


@pytest.fixture
def warehouse(service: ReservationService) -> Warehouse:
    return Warehouse(service)


def assert_I1_I2(database: Database) -> None:
    """I1, I2: no product is oversold, its units are those of its reservations and movements."""
    with database.transaction() as tx:
        wrong = tx.fetch_all(
            """
                SELECT s.product_id, s.reserved, s.sold, h.held, h.bought
                  FROM reservations.stocks s
                  LEFT JOIN LATERAL (
                       SELECT coalesce(sum(l.quantity) FILTER (WHERE r.status = 'reserved'), 0) AS held,
                              coalesce(sum(l.quantity) FILTER (WHERE r.status = 'confirmed'), 0) AS bought
                         FROM reservations.lines l JOIN reservations.reservations r ON r.id = l.reservation_id
                        WHERE l.product_id = s.product_id) h ON true
                 WHERE least(s.available, s.reserved, s.sold) < 0 OR s.total <> s.available + s.reserved + s.sold
                    OR s.reserved <> h.held OR s.sold <> h.bought
                """
        )
        unexplained = tx.fetch_all(
            """
                SELECT product_id, max(s.total), sum(m.change)
                  FROM reservations.stocks s FULL JOIN reservations.movements m USING (product_id)
                 GROUP BY product_id HAVING coalesce(max(s.total), 0) <> coalesce(sum(m.change), 0)
                """
        )
    assert wrong == []
    assert unexplained == []
