"""A notifications service on a real database, with ports that remember."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from services.clock import new_id
from services.db import Sessions
from services.money import Money
from services.notifications.rendering import Templates
from services.notifications.service import NotificationService
from services.notifications.views import OrderEvent, OrderNotice
from services.secrets import Vault
from tests.fakes.clock import FakeClock
from tests.services.notifications.doubles import NOON, Outbox

Rows = Callable[[], list[Any]]


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
def another(
    sessions: Sessions, outbox: Outbox, clock: FakeClock, templates: Templates
) -> Callable[[], NotificationService]:
    """Makes services that stand for processes of their own: they share the database and the world only."""

    def make() -> NotificationService:
        vault = Vault("a key of the tests")
        return NotificationService(sessions, vault, outbox, outbox, clock, templates, monotonic=clock.monotonic)

    return make


@pytest.fixture
def service(another: Callable[[], NotificationService]) -> NotificationService:
    return another()


@pytest.fixture
def rows(sessions: Sessions) -> Rows:
    """Reads every row, oldest first."""

    def read() -> list[Any]:
        with sessions.begin() as session:
            return list(session.execute(text("SELECT * FROM notifications.notifications ORDER BY created_at, id")))

    return read


def a_notice(event: str = "created", **given: Any) -> OrderNotice:
    """An event of a new order of Anna's; say only what the test is about."""
    plain: dict[str, Any] = {
        "order_id": new_id(),
        "language": "ru",
        "email": "anna@example.com",
        "phones": (),
        "first_name": "Анна",
        "total": Money(199900, "RUB"),
    }
    return OrderNotice(event=OrderEvent(event), **(plain | given))
