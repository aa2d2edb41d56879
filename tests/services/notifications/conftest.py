"""Fixtures: a notifications service on a real database whose senders record what they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.clock import new_id
from services.db import Database
from services.money import Money
from services.notifications.budget import MessageBudget
from services.notifications.ports import DeliveryResult, Outcome
from services.notifications.rendering import Templates
from services.notifications.service import NotificationService
from services.notifications.views import NotificationView, OrderEvent, OrderNotification
from services.secrets import Vault
from tests.builders import a_message_budget
from tests.fakes.clock import FakeClock
from tests.services.notifications.doubles import NOON, Outbox

Rows = Callable[[], list[Any]]

UNREACHABLE = DeliveryResult(Outcome.UNREACHABLE, "the mail server cannot be reached (ConnectionRefusedError)")
POSTPONED = DeliveryResult(Outcome.POSTPONED, "the mail server refused the mail (451)")
ORDER_ID = "01934f2e-8a7b-7c3d-9e21-5a6c9f3a21c4"
VARIABLES = {"firstName": "Анна", "orderId": ORDER_ID, "totalAmount": "1999.00", "currency": "RUB"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture(scope="session")
def templates() -> Templates:
    return Templates("Marketplace Orders")


@pytest.fixture
def budget(database: Database, clock: FakeClock) -> MessageBudget:
    """No limits; the tests of budgets replace it."""
    return a_message_budget(database, clock)


@pytest.fixture
def another(
    database: Database, outbox: Outbox, clock: FakeClock, templates: Templates, budget: MessageBudget
) -> Callable[[], NotificationService]:
    """Creates services that act as separate processes: they share the database and the senders only."""

    def make() -> NotificationService:
        vault = Vault("a key of the tests")
        return NotificationService(
            database.with_clock(clock), vault, outbox, outbox, templates, budget, monotonic=clock.monotonic
        )

    return make


@pytest.fixture
def service(another: Callable[[], NotificationService]) -> NotificationService:
    return another()


@pytest.fixture
def rows(database: Database) -> Rows:
    """Reads every row, oldest first."""

    def read() -> list[Any]:
        with database.transaction() as tx:
            return tx.fetch_all("SELECT * FROM notifications.notifications ORDER BY created_at, id")

    return read


def a_notification(event: str = "created", **given: Any) -> OrderNotification:
    """An event of a new order of the buyer Anna; `given` replaces fields."""
    plain: dict[str, Any] = {
        "order_id": new_id(),
        "language": "ru",
        "email": "anna@example.com",
        "phones": (),
        "first_name": "Анна",
        "total": Money(199900, "RUB"),
    }
    return OrderNotification(event=OrderEvent(event), **(plain | given))


def send(service: NotificationService, **given: Any) -> NotificationView:
    """Send `order_paid` to Anna by e-mail; `given` replaces arguments."""
    plain: dict[str, Any] = {
        "channel": "email",
        "to": "anna@example.com",
        "template": "order_paid",
        "variables": VARIABLES,
    }
    return service.send(**(plain | given))
