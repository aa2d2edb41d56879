"""An order is confirmed only while its money is there: the database may be older than a refund (F80)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from activities.messages import ChargePayment, ConfirmOrder, FinishCancel, RefundPayment, ReleaseStock
from activities.orders import OrderActivities
from activities.payments import PaymentActivities
from activities.reservations import ReservationActivities
from services.bootstrap import Services
from services.errors import OrderClosing, Unavailable
from services.orders.status import CancelReason, OrderStatus
from services.orders.views import OrderView
from services.payments.paid_orders import ASK_AGAIN_AFTER, PaidOrders
from services.payments.status import PaymentStatus
from services.reconcile.tables import check_tables
from tests.activities.conftest import RUN
from tests.fakes.gateway import FakeGateway
from workers.metrics.orders import OrderEndMetrics

Place = Callable[..., OrderView]


@pytest.fixture
def steps(services: Services) -> OrderActivities:
    ends, paid = OrderEndMetrics(CollectorRegistry()), PaidOrders(services.database, services.payments)
    return OrderActivities(
        services.database, services.order_transitions, services.reservations, services.payments, paid, ends
    )


@pytest.fixture
def paid(activities: PaymentActivities, reserved_order: Place) -> OrderView:
    """An order of 10.00 RUB that was paid just now."""
    order = reserved_order()
    activities.charge_payment(ChargePayment(order.id, 1, RUN))
    return order


def a_minute_passes(services: Services) -> None:
    services.database.execute(
        "UPDATE payments.payments SET updated_at = updated_at - make_interval(secs => %(seconds)s)",
        {"seconds": ASK_AGAIN_AFTER + 1},
    )


def restored(services: Services, gateway: FakeGateway, order: OrderView, refunded: int) -> None:
    """As after a restore: so many minor units were refunded, and our tables do not have that."""
    (payment,) = services.payments.of_order(order.id)
    gateway.refund_by_hand(payment.id, refunded)
    a_minute_passes(services)


def test_F80_an_order_whose_money_was_sent_back_is_cancelled(
    services: Services,
    steps: OrderActivities,
    activities: PaymentActivities,
    gateway: FakeGateway,
    paid: OrderView,
) -> None:
    restored(services, gateway, paid, paid.total.minor)
    with pytest.raises(OrderClosing):
        steps.confirm_order(ConfirmOrder(paid.id, RUN))
    order = services.orders.get(paid.id)
    assert (order.status, order.cancel_reason) == (OrderStatus.CANCELLING, CancelReason.OPERATOR_REQUEST)

    assert activities.refund_payment(RefundPayment(paid.id)).done
    reservations = ReservationActivities(services.database, services.order_transitions, services.reservations)
    reservations.release_stock(ReleaseStock(paid.id))
    assert steps.finish_cancel(FinishCancel(paid.id, RUN)).status is OrderStatus.CANCELLED
    assert [check.violations for check in check_tables(services.database) if check.violations] == []


def test_an_order_of_which_a_part_was_sent_back_is_confirmed(
    services: Services, steps: OrderActivities, gateway: FakeGateway, paid: OrderView
) -> None:
    restored(services, gateway, paid, 250)
    assert steps.confirm_order(ConfirmOrder(paid.id, RUN)).status is OrderStatus.CONFIRMED
    assert services.payments.of_order(paid.id)[0].refunded_minor == 250
    assert [check.violations for check in check_tables(services.database) if check.violations] == []


def test_an_order_that_was_paid_just_now_needs_no_answer_of_the_provider(
    steps: OrderActivities, gateway: FakeGateway, paid: OrderView
) -> None:
    gateway.set_available(False)
    assert steps.confirm_order(ConfirmOrder(paid.id, RUN)).status is OrderStatus.CONFIRMED


def test_an_order_that_was_paid_a_while_ago_waits_for_the_provider(
    services: Services, steps: OrderActivities, gateway: FakeGateway, paid: OrderView
) -> None:
    a_minute_passes(services)
    gateway.set_available(False)
    with pytest.raises(Unavailable):
        steps.confirm_order(ConfirmOrder(paid.id, RUN))
    assert services.orders.get(paid.id).status is OrderStatus.PAID
    gateway.set_available(True)
    assert steps.confirm_order(ConfirmOrder(paid.id, RUN)).status is OrderStatus.CONFIRMED


def test_a_confirmation_that_is_repeated_after_a_refund_changes_nothing(
    services: Services, steps: OrderActivities, gateway: FakeGateway, paid: OrderView
) -> None:
    steps.confirm_order(ConfirmOrder(paid.id, RUN))
    restored(services, gateway, paid, paid.total.minor)
    assert steps.confirm_order(ConfirmOrder(paid.id, RUN)).status is OrderStatus.CONFIRMED


@pytest.mark.parametrize(
    ("refunded", "status"), [(1000, PaymentStatus.REFUNDED), (250, PaymentStatus.PARTIALLY_REFUNDED)]
)
def test_F80_a_refund_that_another_job_has_found_is_no_payment_that_is_awaited(
    services: Services,
    activities: PaymentActivities,
    steps: OrderActivities,
    gateway: FakeGateway,
    paid: OrderView,
    refunded: int,
    status: PaymentStatus,
) -> None:
    """The run that takes the order over begins with the charge, which was made, and waited until its time was over."""
    restored(services, gateway, paid, refunded)
    (payment,) = services.payments.of_order(paid.id)
    services.payments.record_provider_refunds(payment.id)
    assert services.payments.get(payment.id).status is status
    state = activities.charge_payment(ChargePayment(paid.id, 1, RUN))
    assert state is not None
    assert state.status is PaymentStatus.SUCCEEDED
    if status is PaymentStatus.REFUNDED:
        with pytest.raises(OrderClosing):
            steps.confirm_order(ConfirmOrder(paid.id, RUN))
    else:
        assert steps.confirm_order(ConfirmOrder(paid.id, RUN)).status is OrderStatus.CONFIRMED
