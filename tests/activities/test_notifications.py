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
from services.clock import new_id
from services.db import Database
from services.identity.status import IdentifierKind
from services.identity.views import RegisterUser
from services.notifications.ports import SENT, DeliveryResult, Email, Sms
from services.notifications.rendering import Templates
from services.notifications.service import NotificationService
from services.order_number import order_number
from services.orders.status import CancelReason, OrderEventType, UndoStep
from services.orders.views import WorkflowRun
from services.secrets import Vault
from tests.builders import KEY, a_message_budget, a_product, an_order
from tests.fakes.clock import FakeClock
from tests.services.notifications.doubles import Outbox

RUN = WorkflowRun("run", 1000.0)
EMAIL, PHONE = "anna@example.com", "+79161234567"


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def activities(services: Services, database: Database, outbox: Outbox, clock: FakeClock) -> NotificationActivities:
    budget = a_message_budget(database, clock, factor=1)
    templates = Templates("Marketplace Orders")
    notifications = NotificationService(database.with_clock(clock), Vault(KEY), outbox, outbox, templates, budget)

    def subscribe(_: str, __: Callable[[str], None]) -> Callable[[], None]:
        return lambda: None

    return NotificationActivities(
        services.database,
        services.order_outbox,
        services.identity,
        services.account_messages,
        notifications,
        services.webhooks,
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


def test_an_order_event_is_queued_once(
    services: Services, activities: NotificationActivities, database: Database, buyer_id: UUID
) -> None:
    services.orders.place(an_order(a_product(), buyer_id=buyer_id))
    assert [activities.queue_new(), activities.queue_new()] == [1, 0]
    assert queued(database) == [("email", "order_created")]


def test_T132_the_phone_of_an_order_gets_messages_only_once_it_has_paid(
    services: Services, activities: NotificationActivities, database: Database, buyer_id: UUID
) -> None:
    """Anybody can give the number of a stranger."""
    by_phone, cancelled = (
        services.orders.place(an_order(a_product(), buyer_id=buyer_id, card=None, phone=PHONE)).order for _ in range(2)
    )
    services.order_transitions.begin_cancel(cancelled.id, RUN, CancelReason.BUYER_REQUEST)
    services.order_transitions.cancelled(cancelled.id)
    activities.queue_new()
    assert [channel for channel, _ in queued(database)] == ["email"] * 3
    reserve_and_pay(services, by_phone.id)
    activities.queue_new()
    assert [sent for sent in queued(database) if sent[0] == "sms"] == [("sms", "order_paid")]


def test_T132_a_phone_is_notified_of_money_that_goes_back_to_it(
    services: Services, activities: NotificationActivities, database: Database, buyer_id: UUID
) -> None:
    order = services.orders.place(an_order(a_product(), buyer_id=buyer_id, card=None, phone=PHONE)).order
    services.order_transitions.note(order.id, OrderEventType.REFUNDED, "refunded:1", amount_minor=1000)
    activities.queue_new()
    assert [sent for sent in queued(database) if sent[0] == "sms"] == [("sms", "order_refunded")]


def test_a_refund_is_notified_after_the_cancellation_that_it_belongs_to(
    services: Services, activities: NotificationActivities, outbox: Outbox, buyer_id: UUID
) -> None:
    order_id = services.orders.place(an_order(a_product(), buyer_id=buyer_id)).order.id
    reserve_and_pay(services, order_id)
    services.order_transitions.begin_cancel(order_id, RUN, CancelReason.BUYER_REQUEST)
    services.order_transitions.note(order_id, OrderEventType.REFUNDED, "refunded:1", amount_minor=1000)
    assert [activities.queue_new(), activities.queue_new()] == [2, 0]
    services.order_transitions.cancelled(order_id)
    assert [activities.queue_new(), activities.queue_new(), activities.queue_new()] == [1, 1, 0]
    activities.notifications.dispatch()
    assert [mail.subject.split()[-1] for mail in outbox.mails[-2:]] == ["отменён", order_number(str(order_id))]
    assert "Уплаченные деньги возвращаются вам полностью." in outbox.mails[-2].text


@pytest.mark.parametrize(
    ("paid", "resolution", "promised"),
    [(False, None, False), (True, None, True), (True, "write_off", False), (False, "mark_done", True)],
)
def test_a_cancellation_promises_money_only_when_it_goes_back(
    services: Services,
    activities: NotificationActivities,
    outbox: Outbox,
    buyer_id: UUID,
    paid: bool,
    resolution: str | None,
    promised: bool,
) -> None:
    order_id = services.orders.place(an_order(a_product(), buyer_id=buyer_id)).order.id
    if paid:
        reserve_and_pay(services, order_id)
    services.order_transitions.begin_cancel(order_id, RUN, CancelReason.PAYMENT_DECLINED)
    if resolution:
        services.order_transitions.note(
            order_id, OrderEventType.RESOLVED, f"resolved:{UndoStep.REFUND_PAYMENT}:{resolution}:1"
        )
    services.order_transitions.cancelled(order_id)
    activities.queue_new()
    activities.notifications.dispatch()
    assert ("возвращаются вам" in outbox.mails[-1].text) is promised


def test_T130_a_buyer_has_a_budget_until_they_have_paid(
    services: Services, activities: NotificationActivities, database: Database, buyer_id: UUID
) -> None:
    product = a_product()
    for _ in range(5):
        services.orders.place(an_order(product, buyer_id=buyer_id))
    activities.queue_new()
    with database.transaction() as tx:
        orders = tx.fetch_column("SELECT id FROM orders.orders ORDER BY id")
    for order_id in orders:
        services.order_transitions.begin_cancel(order_id, RUN, CancelReason.BUYER_REQUEST)
        services.order_transitions.cancelled(order_id)
    for _ in range(2):
        last = services.orders.place(an_order(product, buyer_id=buyer_id)).order
    activities.queue_new()
    assert statuses(database) == {"queued": 10, "suppressed": 2}
    reserve_and_pay(services, last.id)
    services.orders.place(an_order(product, buyer_id=buyer_id))
    activities.queue_new()
    assert statuses(database) == {"queued": 12, "suppressed": 2}


def test_T130_a_buyer_who_has_verified_the_address_has_no_budget(
    services: Services, activities: NotificationActivities, database: Database, buyer_id: UUID
) -> None:
    database.execute("UPDATE identity.users SET email_verified = true")
    for _ in range(5):
        order_id = services.orders.place(an_order(a_product(), buyer_id=buyer_id)).order.id
        for number in range(2):
            services.order_transitions.note(order_id, OrderEventType.REFUNDED, f"refunded:{number}", amount_minor=100)
    activities.queue_new()
    assert statuses(database) == {"queued": 15}


def statuses(database: Database) -> dict[str, int]:
    """How many messages have each status."""
    with database.transaction() as tx:
        rows = tx.fetch_all("SELECT status, count(*) AS messages FROM notifications.notifications GROUP BY status")
    return {row.status: row.messages for row in rows}


def reserve_and_pay(services: Services, order_id: UUID) -> None:
    """What the workflow does until the order is paid."""
    services.order_transitions.claim(order_id, RUN)
    services.order_transitions.reserved(order_id)
    due = services.order_transitions.start_payment(order_id, 1)
    services.order_transitions.paid(order_id, new_id(), due.total)


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
