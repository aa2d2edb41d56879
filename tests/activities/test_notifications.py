"""The notification dispatcher: queues each message of orders and accounts once, and sends what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.notifications import NotificationActivities
from activities.polling import Wakeup
from services.bootstrap import Services
from services.db import Database
from services.identity.status import IdentifierKind
from services.identity.views import RegisterUser
from services.notifications.ports import SENT, DeliveryResult, Email, Sms
from services.notifications.rendering import Templates
from services.notifications.service import NotificationService
from services.secrets import Vault
from tests.builders import KEY, a_product, an_order
from tests.fakes.clock import FakeClock
from tests.services.notifications.doubles import Outbox

EMAIL, PHONE = "anna@example.com", "+79161234567"


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def activities(services: Services, database: Database, outbox: Outbox, clock: FakeClock) -> NotificationActivities:
    notifications = NotificationService(
        database.with_clock(clock), Vault(KEY), outbox, outbox, Templates("Marketplace Orders")
    )

    def subscribe(_: str, __: Callable[[str], None]) -> Callable[[], None]:
        return lambda: None

    return NotificationActivities(
        services.database,
        services.order_outbox,
        services.identity,
        services.account_messages,
        notifications,
        lambda: Wakeup(subscribe, "notifications"),
    )


@pytest.fixture
def buyer_id(services: Services) -> UUID:
    wanted = RegisterUser("Anna", "Petrova", EMAIL, None, "correct horse battery staple 42", language="en")
    return services.identity.register(wanted).id


def queued(database: Database) -> list[tuple[str, str]]:
    """Channel and template of each message that is not sent."""
    statement = "SELECT channel, template FROM notifications.notifications WHERE status = 'queued' ORDER BY channel"
    with database.transaction() as tx:
        return [(row.channel, row.template) for row in tx.fetch_all(statement)]


def test_an_order_event_is_queued_once_for_the_account_and_for_the_paying_phone(
    services: Services, activities: NotificationActivities, database: Database, buyer_id: UUID
) -> None:
    services.orders.place(an_order(a_product(), buyer_id=buyer_id, card=None, phone=PHONE))
    assert [activities.queue_new(), activities.queue_new()] == [1, 0]
    assert queued(database) == [("email", "order_created"), ("sms", "order_created")]


def test_messages_are_not_queued_when_their_event_cannot_be_marked(
    services: Services,
    activities: NotificationActivities,
    database: Database,
    buyer_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("killed")

    services.orders.place(an_order(a_product(), buyer_id=buyer_id))
    with monkeypatch.context() as broken:
        broken.setattr(services.order_outbox, "mark_notified", fail)
        with pytest.raises(RuntimeError):
            activities.queue_new()
    assert queued(database) == []
    assert activities.queue_new() == 1


def test_an_event_of_an_unknown_buyer_is_marked_without_a_message(
    services: Services, activities: NotificationActivities, database: Database
) -> None:
    services.orders.place(an_order(a_product()))
    assert [activities.queue_new(), activities.queue_new()] == [1, 0]
    assert queued(database) == []


def test_an_account_message_is_queued_and_one_without_a_recipient_is_deleted(
    services: Services, activities: NotificationActivities, database: Database
) -> None:
    with database.transaction() as tx:
        for to in (EMAIL, None):
            services.account_messages.add(tx, IdentifierKind.EMAIL, to, "verify_email", {"code": "424242"})
    assert [activities.queue_new(), activities.queue_new()] == [2, 0]
    assert queued(database) == [("email", "verify_email")]
    assert services.account_messages.pending(10) == []


async def test_the_dispatcher_queues_and_sends_until_the_worker_shuts_down(
    services: Services, activities: NotificationActivities, outbox: Outbox, buyer_id: UUID
) -> None:
    environment = ActivityEnvironment()

    def send(_: Email | Sms) -> DeliveryResult:
        environment.worker_shutdown()
        return SENT

    outbox.answer = send
    order = services.orders.place(an_order(a_product(), buyer_id=buyer_id)).order
    assert await asyncio.wait_for(environment.run(activities.dispatch_notifications), 20) == 1
    (mail,) = outbox.mails
    assert mail.to == EMAIL
    assert str(order.id)[-4:].upper() in mail.subject
