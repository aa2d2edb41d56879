"""Activities that hold goods and release them: one commit, or nothing."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from activities import reservations
from activities.messages import BeginCancel, CancelReason, ReleaseStock, ReserveStock
from activities.orders import OrderActivities
from activities.reservations import ReservationActivities
from services.bootstrap import Services
from services.db import Database
from services.errors import InvalidTransition, OrderClaimed, OutOfStock
from services.orders.status import OrderStatus
from services.orders.views import OrderView
from services.payments.paid_orders import PaidOrders
from tests.builders import a_product, an_order
from tests.fakes.clock import FakeClock
from workers.metrics.orders import OrderEndMetrics

RUN, OTHER_RUN = "0195-run", "0196-run"


@pytest.fixture
def activities(services: Services) -> ReservationActivities:
    return ReservationActivities(services.database, services.order_transitions, services.reservations)


def place(services: Services, stock: int) -> OrderView:
    """An order of two pieces of a product with so many in stock."""
    product = a_product()
    services.reservations.add_stocks([(product.id, stock)])
    return services.orders.place(an_order(product, quantity=2)).order


def claimed_by(database: Database, order: OrderView) -> str | None:
    run: str | None = database.fetch_value("SELECT claimed_by FROM orders.orders WHERE id = %(id)s", {"id": order.id})
    return run


def test_goods_and_order_are_reserved_once(
    services: Services, database: Database, activities: ReservationActivities
) -> None:
    order = place(services, stock=3)
    for _ in range(2):
        assert activities.reserve_stock(ReserveStock(order.id, RUN, 600)).status == "reserved"
    stock = services.reservations.stocks([order.lines[0].product_id])[order.lines[0].product_id]
    assert (stock.available, stock.reserved) == (1, 2)
    assert claimed_by(database, order) == RUN
    assert [event.type for event in services.orders.events(order.id)] == ["created", "reserved"]


def test_a_shortage_changes_nothing_and_the_cancel_claims_the_order(
    services: Services, database: Database, activities: ReservationActivities
) -> None:
    order = place(services, stock=1)
    with pytest.raises(OutOfStock):
        activities.reserve_stock(ReserveStock(order.id, RUN, 600))
    assert services.orders.get(order.id).status == OrderStatus.CREATED
    assert services.reservations.find(order.id) is None
    assert claimed_by(database, order) is None
    orders = OrderActivities(
        services.database,
        services.order_transitions,
        services.reservations,
        services.payments,
        PaidOrders(services.database, services.payments),
        OrderEndMetrics(CollectorRegistry()),
    )
    orders.begin_cancel(BeginCancel(order.id, RUN, CancelReason.OUT_OF_STOCK))
    assert claimed_by(database, order) == RUN
    with pytest.raises(OrderClaimed):
        orders.begin_cancel(BeginCancel(order.id, OTHER_RUN, CancelReason.OUT_OF_STOCK))


def test_an_order_of_another_run_is_not_reserved(services: Services, activities: ReservationActivities) -> None:
    order = place(services, stock=3)
    activities.reserve_stock(ReserveStock(order.id, RUN, 600))
    with pytest.raises(OrderClaimed):
        activities.reserve_stock(ReserveStock(order.id, OTHER_RUN, 600))


def test_released_goods_are_noted_and_a_release_before_the_hold_refuses_it(
    services: Services, activities: ReservationActivities
) -> None:
    order, early = place(services, stock=3), place(services, stock=3)
    activities.reserve_stock(ReserveStock(order.id, RUN, 600))
    for each in (order, early):
        with pytest.raises(InvalidTransition):
            activities.release_stock(ReleaseStock(each.id))
        services.orders.request_cancel(each.id, None)
        activities.release_stock(ReleaseStock(each.id))
    assert "released" in [event.type for event in services.orders.events(order.id)]
    assert "released" not in [event.type for event in services.orders.events(early.id)]


def test_a_sweep_goes_on_until_no_hold_is_due(
    services: Services, activities: ReservationActivities, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "SWEEP_BATCH", 2)
    for _ in range(5):
        activities.reserve_stock(ReserveStock(place(services, stock=2).id, RUN, 600))
    clock.set_from_database(services.database, 601)
    assert [activities.sweep_reservations(), activities.sweep_reservations()] == [5, 0]


def test_a_sweep_begins_no_batch_after_its_time(
    services: Services, activities: ReservationActivities, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "SWEEP_BATCH", 2)
    monkeypatch.setattr(reservations, "SWEEP_SECONDS", 0)
    for _ in range(5):
        activities.reserve_stock(ReserveStock(place(services, stock=2).id, RUN, 600))
    clock.set_from_database(services.database, 601)
    assert [activities.sweep_reservations() for _ in range(3)] == [2, 2, 1]
