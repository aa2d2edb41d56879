"""Real services on an empty database, with a fake payment provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.payments import PaymentActivities
from services.bootstrap import Services, open_services
from services.db import Sessions
from services.orders.views import OrderView
from services.reservations.views import Item
from services.settings import Settings
from tests.builders import an_order
from tests.fakes.gateway import FakeGateway

RUN = "0195-run"


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def services(sessions: Sessions, database_url: str, tmp_path: Path, gateway: FakeGateway) -> Iterator[Services]:
    settings = Settings(app_env="development", database_url=database_url, data_dir=tmp_path)
    with open_services(settings, sessions=sessions, gateway=gateway) as opened:
        yield opened


@pytest.fixture
def payments(services: Services) -> PaymentActivities:
    return PaymentActivities(services.order_transitions, services.reservations, services.payments, "https://shop")


def reserved_order(services: Services, card: str = "succeeds") -> OrderView:
    """An order whose goods are held, as `reserve_stock` leaves it."""
    order = services.orders.place(an_order(card=card)).order
    services.reservations.add_stocks([(line.product_id, 10) for line in order.lines])
    items = services.order_transitions.claim(order.id, RUN).items
    services.reservations.hold(order.id, [Item(product_id, quantity) for product_id, quantity in items], 60)
    services.order_transitions.reserved(order.id)
    return services.orders.get(order.id)
