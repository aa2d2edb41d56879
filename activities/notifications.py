"""Turning timelines and news of accounts into messages, and sending them, for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio import activity

from activities.faults import Faults
from activities.polling import Alarm, until_shutdown

if TYPE_CHECKING:
    from services.identity.account_messages import AccountMessages
    from services.identity.service import IdentityService
    from services.notifications.service import NotificationService
    from services.notifications.views import NewMessage, OrderNotification
    from services.orders.outbox import OrderOutbox
    from services.orders.views import PendingNotification

#: One run of the activity; its workflow starts the next.
RUN = timedelta(minutes=10)
#: Events and messages taken at once.
BATCH = 200
#: Seconds after which the queue is looked at though nobody called.
IDLE = 1.0
#: Seconds for which words are gathered, so that a burst becomes one batch.
GATHER = 0.1


@dataclass(frozen=True)
class NotificationActivities:
    """The dispatcher: orders say what happened, identity says to whom, notifications tells them."""

    outbox: OrderOutbox
    identity: IdentityService
    account_messages: AccountMessages
    notifications: NotificationService
    #: build an `OrderNotification` and a `NewMessage`; given, so that this room loads no database code
    notice_of: Callable[..., OrderNotification]
    message_of: Callable[..., NewMessage]
    alarm: Callable[[], Alarm]
    faults: Faults

    @activity.defn
    async def dispatch_notifications(self) -> int:
        """Queue the messages of new events and send what is due, until the run's time or the worker ends."""
        sent = 0
        with self.alarm() as alarm:
            async for _ in until_shutdown(RUN):
                queued = await asyncio.to_thread(self.queue_new)
                dispatched = await asyncio.to_thread(self.notifications.dispatch, BATCH)
                sent += dispatched.sent
                if not queued and not dispatched.sent:
                    await alarm.wait(IDLE)
                    await asyncio.sleep(GATHER)
        return sent

    def queue_new(self) -> int:
        """Queue what orders and accounts have to say; returns how many of them. Keys make repeating harmless."""
        return self._queue_events() + self._queue_account_messages()

    def _queue_events(self) -> int:
        events = self.outbox.pending_notifications(BATCH)
        if events:
            with self.faults.around("notify"):
                self.notifications.queue_order_notifications(self._notices(events))
            self.outbox.mark_notified([event.id for event in events])
        return len(events)

    def _queue_account_messages(self) -> int:
        waiting = self.account_messages.pending(BATCH)
        # What was asked for an unknown identifier is to nobody.
        self.notifications.queue(
            [
                self.message_of(one.id, one.channel, one.to, one.template, one.language, one.variables)
                for one in waiting
                if one.to
            ]
        )
        self.account_messages.remove([one.id for one in waiting])
        return len(waiting)

    def _notices(self, events: Sequence[PendingNotification]) -> list[OrderNotification]:
        contacts = self.identity.contacts([event.buyer_id for event in events])
        notices = []
        for event in events:
            contact = contacts.get(event.buyer_id)
            phones = dict.fromkeys(filter(None, (contact.phone if contact else None, event.phone)))
            notices.append(
                self.notice_of(
                    order_id=event.order_id,
                    event=event.type,
                    language=event.language,
                    email=contact.email if contact else None,
                    phones=tuple(phones),
                    first_name=contact.first_name if contact else "",
                    total=event.amount if event.type == "refunded" and event.amount else event.total,
                    reason=event.cancel_reason,
                    again=event.again,
                )
            )
        return notices
