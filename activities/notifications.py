"""The notification dispatcher: queues the messages of order events and of accounts, and sends what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from temporalio import activity

from activities.polling import Wakeup, until_shutdown
from services.identity.views import Contact
from services.notifications.views import Goods, NewMessage, OrderEvent, OrderNotification
from services.webhooks.views import OrderEventFacts

if TYPE_CHECKING:
    from services.db import Database, Executor
    from services.identity.account_messages import AccountMessages
    from services.identity.service import IdentityService
    from services.notifications.service import NotificationService
    from services.orders.outbox import OrderOutbox, PendingNotification
    from services.webhooks.service import WebhookService

#: One run of the activity; its workflow starts the next.
RUN = timedelta(minutes=10)
#: Events and messages taken at once.
BATCH = 200
#: Seconds after which the queue is read without a notification.
IDLE = 1.0
#: Seconds for which events are collected, so that a burst becomes one batch.
GATHER = 0.1
_NOBODY = Contact(email=None, phone=None, first_name="", language="ru")


@dataclass(frozen=True)
class NotificationActivities:
    """Reads events from orders, contacts from identity, and hands both to notifications; webhooks get the events."""

    database: Database
    outbox: OrderOutbox
    identity: IdentityService
    account_messages: AccountMessages
    notifications: NotificationService
    webhooks: WebhookService
    wakeup: Callable[[], Wakeup]

    @activity.defn
    async def dispatch_notifications(self) -> int:
        """Queue the messages of new events and send what is due, until the run's time or the worker ends."""
        sent = 0
        with self.wakeup() as wakeup:
            async for _ in until_shutdown(RUN):
                queued = await asyncio.to_thread(self.queue_new)
                dispatched = await asyncio.to_thread(self.notifications.dispatch, BATCH)
                sent += dispatched.sent
                if not queued and not dispatched.sent:
                    await wakeup.wait(IDLE)
                    await asyncio.sleep(GATHER)
        return sent

    def queue_new(self) -> int:
        """Queue the messages of new events and accounts; returns how many. Repeatable: messages have keys."""
        return self._queue_events() + self._queue_account_messages()

    def _queue_events(self) -> int:
        events = self.outbox.pending_notifications(BATCH)
        if events:
            found = self._with_contacts(events)
            self.database.run_in_transaction(partial(self._queue, found, events))
        return len(events)

    def _queue(
        self, notifications: list[OrderNotification], events: Sequence[PendingNotification], tx: Executor
    ) -> None:
        self.notifications.queue_order_notifications(notifications, tx)
        self.webhooks.queue([_facts(event) for event in events], tx)
        self.outbox.mark_notified([event.id for event in events], tx)

    def _queue_account_messages(self) -> int:
        waiting = self.account_messages.pending(BATCH)
        # A message without a recipient was requested for an unknown identifier.
        self.notifications.queue(
            [
                NewMessage.for_account(one.id, one.channel, one.to, one.template, one.language, one.variables)
                for one in waiting
                if one.to
            ]
        )
        self.account_messages.remove([one.id for one in waiting])
        return len(waiting)

    def _with_contacts(self, events: Sequence[PendingNotification]) -> list[OrderNotification]:
        contacts = self.identity.contacts([event.buyer_id for event in events])
        return [_notification(event, contacts.get(event.buyer_id)) for event in events]


def _facts(event: PendingNotification) -> OrderEventFacts:
    return OrderEventFacts(
        order_id=event.order_id,
        key=event.key,
        type=event.type,
        at=event.at,
        status=event.status,
        total=event.total,
        amount=event.amount,
        cancel_reason=event.cancel_reason,
    )


def _notification(event: PendingNotification, contact: Contact | None) -> OrderNotification:
    contact, address = contact or _NOBODY, event.address
    phones = dict.fromkeys(filter(None, (contact.phone, event.phone)))
    return OrderNotification(
        order_id=event.order_id,
        event=OrderEvent(event.type),
        language=event.language,
        email=contact.email,
        phones=tuple(phones),
        first_name=contact.first_name,
        total=event.amount if event.type == "refunded" and event.amount else event.total,
        reason=event.cancel_reason,
        money_returned=event.money_returned,
        order_total=event.total,
        goods=[Goods(line.name, line.quantity, line.price) for line in event.lines],
        more_goods=event.more_lines,
        address=[address.street, address.city, address.region, address.postal_code or ""],
        country=address.country,
        pay_within=event.pay_within,
        again=event.again,
        trusted=frozenset(_trusted(event, contact)),
    )


def _trusted(event: PendingNotification, contact: Contact) -> Iterator[str]:
    if contact.email and (contact.email_verified or event.buyer_paid):
        yield contact.email
    if contact.phone and (contact.phone_verified or event.buyer_paid):
        yield contact.phone
    if event.phone:
        yield event.phone
