"""Fixtures for tests of activities: all services on an empty database, with a fake payment gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from activities.messages import ReserveStock
from activities.payments import PaymentActivities
from activities.reservations import ReservationActivities
from services.bootstrap import Services, open_services
from services.db import Database
from services.orders.views import OrderView
from services.payments.call_budget import CallBudget
from services.settings import Settings
from tests.builders import KEY, a_product, an_order
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FakeGateway

RUN = "0195-run"
HOLD_SECONDS = 600
RETURN_URL = "http://127.0.0.1/orders"


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def services(
    database: Database, database_url: str, gateway: FakeGateway, clock: FakeClock, tmp_path: Path
) -> Iterator[Services]:
    settings = Settings(
        app_env="development",
        database_url=database_url,
        secrets_key=KEY,
        data_dir=tmp_path,
        argon2_time_cost=1,
        argon2_memory_kib=64,
        argon2_parallelism=1,
    )
    budget = CallBudget(call=1, claim=1.5, refund_retry_delay=0)
    with open_services(settings, database=database, gateway=gateway, clock=clock, call_budget=budget) as opened:
        yield opened


@pytest.fixture
def activities(services: Services) -> PaymentActivities:
    return PaymentActivities(
        services.database, services.order_transitions, services.reservations, services.payments, RETURN_URL
    )


@pytest.fixture
def reserved_order(services: Services) -> Callable[..., OrderView]:
    """Places an order paid by a card (None: without a payment method) and reserves its goods."""

    def place(card: str | None = "succeeds") -> OrderView:
        product = a_product()
        services.reservations.add_stocks([(product.id, 10)])
        order = services.orders.place(an_order(product, card=card)).order
        reservations = ReservationActivities(services.database, services.order_transitions, services.reservations)
        reservations.reserve_stock(ReserveStock(order.id, RUN, HOLD_SECONDS))
        return order

    return place
