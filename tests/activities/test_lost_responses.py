"""Steps whose connection to PostgreSQL is closed before a response, that to COMMIT included (FAULTS F24).

Each test loses another response of the step, from the first on, until the step ends before that response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest

from activities.messages import ChargePayment, PaymentState, RefreshPayment, RefundPayment, ReserveStock
from activities.payments import PaymentActivities
from activities.reservations import ReservationActivities
from services.bootstrap import Services, open_services
from services.errors import Unavailable
from services.orders.status import OrderStatus
from services.orders.views import OrderView
from services.payments.call_budget import CallBudget
from tests.activities.conftest import HOLD_SECONDS, RETURN_URL, RUN
from tests.builders import a_product, an_order
from tests.fakes.gateway import FakeGateway
from tests.fakes.proxy import TcpProxy

R = TypeVar("R")

#: Calls of a step after which it must have succeeded.
ATTEMPTS = 200


@pytest.fixture
def proxy(database_url: str) -> Iterator[TcpProxy]:
    proxy = TcpProxy(database_url)
    with proxy.running():
        yield proxy


@pytest.fixture
def proxied(services: Services, proxy: TcpProxy, gateway: FakeGateway) -> Iterator[Services]:
    """The services of a worker whose connections go through the proxy."""
    settings = services.settings.model_copy(update={"database_url": proxy.address})
    with open_services(settings, gateway=gateway, call_budget=CallBudget(call=0.04, claim=0.05)) as opened:
        yield opened


def losing_each(proxy: TcpProxy, services: Services) -> Iterator[int]:
    """Lose the first response of what the caller does next, then the second, and so on until none is lost."""
    number = 0
    while number == 0 or proxy.lost:
        number += 1
        services.database.fetch_value("SELECT 1")  # has a connection, so that no response of its start is lost
        proxy.lose_response(number)
        yield number
    assert number > 2


def repeated(step: Callable[[], R], done: Callable[[R], bool] = bool) -> R:
    """The result of a step that is called again until it succeeds, as Temporal does."""
    for _ in range(ATTEMPTS):
        try:
            result = step()
        except Unavailable:
            continue
        if done(result):
            return result
    raise AssertionError(f"the step does not succeed in {ATTEMPTS} attempts")


def events(services: Services, order: OrderView) -> list[str]:
    return [event.type for event in services.orders.events(order.id)]


def stock_of(services: Services, order: OrderView) -> tuple[int, int]:
    """How many units of the order's product are available and reserved."""
    (line,) = order.lines
    stock = services.reservations.stocks([line.product_id])[line.product_id]
    return stock.available, stock.reserved


def test_F24_a_reservation_with_a_lost_response_holds_once(
    services: Services, proxied: Services, proxy: TcpProxy
) -> None:
    activities = ReservationActivities(proxied.database, proxied.order_transitions, proxied.reservations)
    for _ in losing_each(proxy, proxied):
        product = a_product()
        services.reservations.add_stocks([(product.id, 10)])
        order = services.orders.place(an_order(product)).order
        state = repeated(partial(activities.reserve_stock, ReserveStock(order.id, RUN, HOLD_SECONDS)))
        assert state.status == OrderStatus.RESERVED
        assert stock_of(services, order) == (9, 1)
        assert events(services, order) == ["created", "reserved"]


@pytest.fixture
def payments(proxied: Services) -> PaymentActivities:
    return PaymentActivities(
        proxied.database, proxied.order_transitions, proxied.reservations, proxied.payments, RETURN_URL
    )


def charge(payments: PaymentActivities, order: OrderView) -> PaymentState:
    """Charge as the workflow does: what is not decided after the charge is asked about until it is."""
    state = repeated(lambda: payments.charge_payment(ChargePayment(order.id, attempt=1)))
    assert state is not None
    message = RefreshPayment(order.id, state.payment_id, attempt=1)
    return repeated(lambda: payments.refresh_payment(message), lambda found: found.status == "succeeded")


def test_F24_a_charge_with_a_lost_response_takes_the_money_once(
    services: Services,
    payments: PaymentActivities,
    proxied: Services,
    proxy: TcpProxy,
    gateway: FakeGateway,
    reserved_order: Callable[..., OrderView],
) -> None:
    for _ in losing_each(proxy, proxied):
        order = reserved_order()
        state = charge(payments, order)
        assert gateway.captures(state.payment_id) == 1
        (payment,) = services.payments.of_order(order.id)
        assert (payment.captured_minor, services.orders.get(order.id).status) == (order.total.minor, OrderStatus.PAID)
        assert events(services, order) == ["created", "reserved", "payment_pending", "paid"]


def test_F24_a_refund_with_a_lost_response_returns_the_money_once(
    services: Services,
    activities: PaymentActivities,
    payments: PaymentActivities,
    proxied: Services,
    proxy: TcpProxy,
    gateway: FakeGateway,
    reserved_order: Callable[..., OrderView],
) -> None:
    for _ in losing_each(proxy, proxied):
        order = reserved_order()
        charged = activities.charge_payment(ChargePayment(order.id, attempt=1))
        assert charged is not None
        services.orders.request_cancel(order.id, None)
        repeated(partial(payments.refund_payment, RefundPayment(order.id)), lambda refund: refund.done)
        assert (gateway.captures(charged.payment_id), gateway.kept(charged.payment_id)) == (1, 0)
        (payment,) = services.payments.of_order(order.id)
        assert payment.refunded_minor == order.total.minor
        assert [refund.status for refund in services.payments.refunds_of(order.id)] == ["succeeded"]
        assert events(services, order).count("refunded") == 1
