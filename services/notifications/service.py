"""Rules of notifications: queued once by key, sent in batches, forgotten when sent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlmodel import Session

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import NotFound, Unavailable
from services.idempotency import Idempotent, remember
from services.notifications import repository
from services.notifications.delivery import DeliveryBatch, MessageSender
from services.notifications.order_messages import messages_for
from services.notifications.ports import MailSender, Outcome, SmsSender
from services.notifications.recipients import masked_recipient
from services.notifications.rendering import Templates
from services.notifications.retry_policy import (
    LEASE,
    RETRY_PERIOD,
    START_WITHIN,
    CircuitBreaker,
    ClaimedMessage,
    StatusUpdate,
    next_status,
)
from services.notifications.send_request import checked_message
from services.notifications.status import Channel, NotificationStatus
from services.notifications.template_registry import supported_language
from services.notifications.views import DispatchResult, NewMessage, NotificationView, OrderNotification
from services.secrets import Vault


class NotificationService:
    """Messages to people; the only one who knows how they are reached."""

    def __init__(
        self,
        sessions: Sessions,
        vault: Vault,
        mail_sender: MailSender,
        sms_sender: SmsSender,
        clock: Clock,
        templates: Templates,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic`: seconds that only grow, for pauses and leases within this process."""
        self._sessions = sessions
        self._vault = vault
        self._clock = clock
        self._templates = templates
        self._monotonic = monotonic
        self._message_sender = MessageSender(vault, templates, mail_sender, sms_sender)
        self._breakers = {channel: CircuitBreaker(monotonic) for channel in Channel}

    @retried
    def queue(self, messages: Sequence[NewMessage]) -> list[UUID]:
        """Store messages and wake the dispatcher; returns the ids of those whose key is new."""
        if not messages:
            return []
        sealed = [self._sealed(new_id(), message) for message in messages]
        with self._sessions.begin() as session:
            return repository.insert(session, sealed, self._clock)

    def queue_order_notifications(self, events: Sequence[OrderNotification]) -> int:
        """Queue what buyers are told of their orders' events, once each; returns how many messages are new."""
        return len(self.queue([message for event in events for message in messages_for(event)]))

    @retried
    def send(
        self,
        channel: str,
        to: str,
        template: str,
        variables: Mapping[str, str],
        language: str = "ru",
        idempotent: Idempotent | None = None,
    ) -> NotificationView:
        """Queue one message for a caller (contract, `POST /notifications/send`).

        Raises Invalid (with the pointer of the member), IdempotencyKeyReused, IdempotencyInProgress.
        """
        notification_id = new_id()
        message = checked_message(notification_id, channel, to, template, variables, language, self._templates)
        with self._sessions.begin() as session:
            replay = remember(session, idempotent, notification_id, 202)
            if replay:
                return self._view(session, replay.resource_id, replayed=True)
            repository.insert(session, [self._sealed(notification_id, message)], self._clock)
            return self._view(session, notification_id)

    def get(self, notification_id: UUID) -> NotificationView:
        """One message, its recipient masked. Raises NotFound."""
        with self._sessions.begin() as session:
            return self._view(session, notification_id)

    def next_due(self) -> float | None:
        """Seconds until there may be something to dispatch (0: now), None when only a new message can bring it."""
        pauses = {channel: gate.seconds_left for channel, gate in self._breakers.items()}
        reachable = [channel for channel, pause in pauses.items() if not pause]
        with self._sessions.begin() as session:
            due = repository.seconds_until_due(session, reachable, self._clock)
        return min([*filter(None, pauses.values()), *([] if due is None else [due])], default=None)

    def dispatch(self, limit: int = 50, workers: int = 8) -> DispatchResult:
        """Send what is due: at most `limit` messages of each channel, `workers` of each at a time.

        Each message is claimed, sent outside any transaction, and marked. Raises Unavailable without a database.
        """
        with ThreadPoolExecutor(len(Channel) * (workers + 1), "notifications") as pool:
            runs = [pool.submit(self._drain, channel, limit, workers, pool) for channel in Channel]
            counts = sum((run.result() for run in runs), Counter[NotificationStatus]())
        return DispatchResult(*(counts[status] for status in _COUNTED))

    def _drain(self, channel: Channel, limit: int, workers: int, pool: Executor) -> Counter[NotificationStatus]:
        counts = Counter[NotificationStatus]()
        while (left := limit - counts.total()) > 0 and not self._breakers[channel].seconds_left:
            started = self._monotonic()
            claimed = self._claim(channel, min(left, workers * _PER_WORKER[channel]))
            if not claimed:
                break
            marks = self._deliver(channel, claimed, started, pool)
            self._mark(marks, started)
            counts.update(mark.status for mark in marks)
        return counts

    @retried
    def _claim(self, channel: Channel, limit: int) -> list[ClaimedMessage]:
        with self._sessions.begin() as session:
            return repository.claim(session, channel, limit, LEASE, RETRY_PERIOD, self._clock)

    def _deliver(
        self, channel: Channel, claimed: list[ClaimedMessage], started: float, pool: Executor
    ) -> list[StatusUpdate]:
        done = DeliveryBatch(self._message_sender, lambda: self._monotonic() < started + START_WITHIN).run(
            claimed, pool
        )
        pause = self._breakers[channel].note([delivery for _, delivery in done])
        if pause:
            reason = next(delivery.reason for _, delivery in done if delivery.outcome is Outcome.UNREACHABLE)
            structlog.get_logger().warning("notifications.unreachable", channel=channel, reason=reason, pause=pause)
        return [next_status(one, delivery, pause) for one, delivery in done]

    def _mark(self, marks: Sequence[StatusUpdate], started: float) -> None:
        # what was sent must be known to be sent: a database that is away for a moment is waited for
        while True:
            try:
                return self._write_marks(marks)
            except Unavailable:
                if self._monotonic() > started + LEASE:
                    raise
                time.sleep(0.2)

    def _write_marks(self, marks: Sequence[StatusUpdate]) -> None:
        with self._sessions.begin() as session:
            repository.mark(session, marks, self._clock)
        log = structlog.get_logger()
        for one in marks:
            # nothing tried, nothing to say of the single message: an outage is logged once for all
            if one.error and one.attempts:
                log.info("notification.not_sent", id=str(one.id), status=one.status, reason=one.error)

    def _sealed(self, notification_id: UUID, message: NewMessage) -> repository.EncryptedMessage:
        return repository.EncryptedMessage(
            id=notification_id,
            key=message.key,
            order_id=message.order_id,
            channel=message.channel,
            template=message.template,
            language=supported_language(message.language),
            recipient=self._vault.seal({"to": message.to}),
            variables=self._vault.seal(message.variables),
        )

    def _view(self, session: Session, notification_id: UUID, *, replayed: bool = False) -> NotificationView:
        row = repository.find(session, notification_id)
        if row is None:
            raise NotFound("There is no such notification.")
        return _view(row, self._vault.open(row.recipient)["to"], replayed=replayed)


def _view(row: Row[Any], to: str, *, replayed: bool) -> NotificationView:
    return NotificationView(
        id=row.id,
        status=NotificationStatus(row.status),
        channel=Channel(row.channel),
        to_masked=masked_recipient(Channel(row.channel), to),
        template=row.template,
        created_at=row.created_at,
        error_message=row.error_message,
        replayed=replayed,
    )


#: Messages claimed at once for each worker. SMS only as many as go out at once: a sender that dies leaves none in
#: doubt that nobody had begun. E-mails may be sent again, so there fewer statements weigh more.
_PER_WORKER = {Channel.EMAIL: 2, Channel.SMS: 1}
#: In the order of `Dispatched`'s fields; what is still queued comes later.
_COUNTED = (NotificationStatus.SENT, NotificationStatus.FAILED, NotificationStatus.QUEUED)
