"""How orders end is counted once an order, by outcome."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from activities.messages import BeginCancel, ConfirmOrder, FinishCancel
from activities.orders import OrderActivities
from services.bootstrap import Services
from services.clock import new_id
from services.errors import NotFound
from services.orders.status import CancelReason
from services.orders.views import OrderView
from services.payments.paid_orders import PaidOrders
from services.reservations.views import Item
from tests.builders import a_product, an_order
from workers.metrics.orders import OrderEndMetrics


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def activities(services: Services, registry: CollectorRegistry) -> OrderActivities:
    ends = OrderEndMetrics(registry)
    paid = PaidOrders(services.database, services.payments)
    return OrderActivities(
        services.database, services.order_transitions, services.reservations, services.payments, paid, ends
    )


def paid(services: Services) -> OrderView:
    """An order whose goods are held and whose money was taken, ten minutes after it was placed."""
    product = a_product()
    services.reservations.add_stocks([(product.id, 10)])
    order = services.orders.place(an_order(product)).order
    services.reservations.hold(order.id, [Item(line.product_id, line.quantity) for line in order.lines], 600)
    services.order_transitions.reserved(order.id)
    services.order_transitions.start_payment(order.id, 1)
    services.order_transitions.paid(order.id, new_id(), order.total)
    services.database.execute(
        "UPDATE orders.orders SET created_at = now() - interval '10 minutes' WHERE id = %(id)s", {"id": order.id}
    )
    return order


def test_a_confirmation_is_counted_once_with_the_time_since_the_order_was_placed(
    services: Services, activities: OrderActivities, registry: CollectorRegistry
) -> None:
    order = paid(services)
    for _ in range(2):
        activities.confirm_order(ConfirmOrder(order.id))
    assert registry.get_sample_value("orders_ended_total", {"outcome": "confirmed"}) == 1
    assert registry.get_sample_value("order_confirmation_seconds_count") == 1
    assert registry.get_sample_value("order_confirmation_seconds_sum") == pytest.approx(600, abs=5)


def test_a_cancellation_is_counted_once_by_its_reason(
    services: Services, activities: OrderActivities, registry: CollectorRegistry
) -> None:
    order = services.orders.place(an_order()).order
    activities.begin_cancel(BeginCancel(order.id, "0195-run", CancelReason.BUYER_REQUEST))
    for _ in range(2):
        activities.finish_cancel(FinishCancel(order.id))
    assert registry.get_sample_value("orders_ended_total", {"outcome": "buyer_request"}) == 1
    assert registry.get_sample_value("order_confirmation_seconds_count") == 0


def test_a_step_that_fails_is_not_counted(activities: OrderActivities, registry: CollectorRegistry) -> None:
    with pytest.raises(NotFound):
        activities.confirm_order(ConfirmOrder(new_id()))
    assert registry.get_sample_value("order_confirmation_seconds_count") == 0


def test_every_outcome_is_there_before_the_first_order_ends() -> None:
    registry = CollectorRegistry()
    OrderEndMetrics(registry)
    for outcome in ("confirmed", "payment_unavailable", "out_of_stock"):
        assert registry.get_sample_value("orders_ended_total", {"outcome": outcome}) == 0
