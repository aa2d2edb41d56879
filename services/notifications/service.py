"""Queues notifications once per key and sends them in batches; their variables are deleted afterwards."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import NotFound, Unavailable
from services.idempotency import IdempotentRequest, remember
from services.masking import MASK
from services.notifications import repository
from services.notifications.budget import Decision, MessageBudget
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
from services.notifications.sender_pool import SenderPool
from services.notifications.status import NotificationChannel, NotificationStatus
from services.notifications.template_registry import supported_language
from services.notifications.views import Budget, DispatchResult, NewMessage, NotificationView, OrderNotification
from services.secrets import Vault

#: Seconds after which a dispatch claims nothing more of a channel: the next messages of the other one wait for its end.
TURN = 2.0


class NotificationService:
    """Queues, sends and shows messages to people."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        mail_sender: MailSender,
        sms_sender: SmsSender,
        templates: Templates,
        budget: MessageBudget,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic`: seconds that only grow, for pauses and leases in this process."""
        self._budget = budget
        self._database = database
        self._vault = vault
        self._templates = templates
        self._monotonic = monotonic
        self._message_sender = MessageSender(vault, templates, mail_sender, sms_sender)
        self._breakers = {channel: CircuitBreaker(monotonic) for channel in NotificationChannel}
        self._pools = {channel: SenderPool(channel, *_SENDERS[channel]) for channel in NotificationChannel}
        self._dispatchers = ThreadPoolExecutor(len(NotificationChannel), "notifications")

    @retried
    def queue(self, messages: Sequence[NewMessage], tx: Executor | None = None) -> list[UUID]:
        """Store messages and wake the dispatcher; returns the ids of those whose key is new.

        A message over a budget is stored as suppressed.
        """
        if not messages:
            return []
        if tx is None:
            with self._database.transaction() as own:
                return self._insert(own, messages)
        return self._insert(tx, messages)

    def queue_order_notifications(self, notifications: Sequence[OrderNotification], tx: Executor | None = None) -> int:
        """Queue the messages of order events, each once; returns how many messages are new."""
        return len(self.queue([message for one in notifications for message in messages_for(one)], tx))

    @retried
    def send(
        self,
        channel: str,
        to: str,
        template: str,
        variables: Mapping[str, str],
        language: str = "ru",
        idempotent: IdempotentRequest | None = None,
        *,
        trusted: bool = False,
    ) -> NotificationView:
        """Queue one message for a caller (contract, `POST /notifications/send`); `trusted`: it has no budget.

        Raises Invalid (with the pointer of the member), IdempotencyKeyReused, IdempotencyInProgress.
        """
        notification_id = new_id()
        message = checked_message(notification_id, channel, to, template, variables, language, self._templates)
        if trusted:
            message = replace(message, budget=Budget.SHOP)
        with self._database.transaction() as tx:
            replay = remember(tx, idempotent, notification_id, 202)
            if replay:
                return self._view(tx, replay.resource_id, replayed=True)
            self._insert(tx, [message], [notification_id])
            return self._view(tx, notification_id)

    def get(self, notification_id: UUID) -> NotificationView:
        """One message, its recipient masked. Raises NotFound."""
        return self._view(self._database, notification_id)

    def of_order(self, order_id: UUID, after: UUID | None, limit: int) -> list[NotificationView]:
        """The messages about an order, oldest first; `after` is the last id of the page before."""
        return [self._shown(row) for row in repository.of_order(self._database, order_id, after, limit)]

    @retried
    def delete_recipients(self, limit: int) -> int:
        """Delete the recipients of at most `limit` messages, sent or failed, of 30 days ago; returns of how many."""
        return repository.delete_recipients(self._database, limit)

    def dispatch(self, limit: int = 50, workers: int = 8) -> DispatchResult:
        """Send the due messages: at most `limit` of each channel, claimed as `workers` can send them in `TURN` seconds.

        Each message is claimed in one transaction, sent outside of any, and its result is written in another.
        Raises Unavailable when the database is not available.
        """
        runs = [self._dispatchers.submit(self._drain, channel, limit, workers) for channel in NotificationChannel]
        wait(runs)
        counts = sum((run.result() for run in runs), Counter[NotificationStatus]())
        return DispatchResult(*(counts[status] for status in _COUNTED))

    def close(self) -> None:
        """End the threads that send messages; the senders stay open."""
        self._dispatchers.shutdown()
        for pool in self._pools.values():
            pool.close()

    def _drain(self, channel: NotificationChannel, limit: int, workers: int) -> Counter[NotificationStatus]:
        counts, ends = Counter[NotificationStatus](), self._monotonic() + TURN
        while (left := limit - counts.total()) > 0 and not self._breakers[channel].is_open:
            started = self._monotonic()
            if started > ends:
                break
            claimed = self._claim(channel, min(left, workers * _PER_WORKER[channel]))
            if not claimed:
                break
            updates = self._deliver(channel, claimed, started)
            self._write(updates, started)
            counts.update(update.status for update in updates)
        return counts

    @retried
    def _claim(self, channel: NotificationChannel, limit: int) -> list[ClaimedMessage]:
        return repository.claim(self._database, channel, limit, LEASE, RETRY_PERIOD)

    def _deliver(
        self, channel: NotificationChannel, claimed: list[ClaimedMessage], started: float
    ) -> list[StatusUpdate]:
        batch = DeliveryBatch(self._message_sender, lambda: self._monotonic() < started + START_WITHIN)
        results = batch.run(claimed, self._pools[channel])
        pause = self._breakers[channel].record([result for _, result in results])
        if pause:
            reason = next(result.reason for _, result in results if result.outcome is Outcome.UNREACHABLE)
            structlog.get_logger().warning("notifications.unreachable", channel=channel, reason=reason, pause=pause)
        return [next_status(message, result, pause) for message, result in results]

    def _write(self, updates: Sequence[StatusUpdate], started: float) -> None:
        # A message that was sent must not be sent again: the write is retried while the lease lasts.
        while True:
            try:
                return self._write_once(updates)
            except Unavailable:
                if self._monotonic() > started + LEASE:
                    raise
                time.sleep(0.2)

    def _write_once(self, updates: Sequence[StatusUpdate]) -> None:
        repository.update_statuses(self._database, updates)
        log = structlog.get_logger()
        for update in updates:
            # Messages that were not tried are not logged one by one: `notifications.unreachable` covers an outage.
            if update.error and update.attempts:
                log.info("notification.not_sent", id=str(update.id), status=update.status, reason=update.error)

    def _insert(self, tx: Executor, messages: Sequence[NewMessage], ids: Sequence[UUID] = ()) -> list[UUID]:
        decisions = self._budget.decide(tx, messages)
        encrypted = [
            self._encrypt(notification_id, message, decision)
            for notification_id, message, decision in zip(
                ids or [new_id() for _ in messages], messages, decisions, strict=True
            )
        ]
        tx.after_commit(lambda: _log_suppressed(encrypted))
        return repository.insert(tx, encrypted)

    def _encrypt(self, notification_id: UUID, message: NewMessage, decision: Decision) -> repository.EncryptedMessage:
        suppressed = decision.suppressed is not None
        return repository.EncryptedMessage(
            id=notification_id,
            key=message.key,
            order_id=message.order_id,
            channel=message.channel,
            template=message.template,
            language=supported_language(message.language),
            recipient=self._vault.seal({"to": message.to}),
            variables=None if suppressed else self._vault.seal(message.variables),
            status=NotificationStatus.SUPPRESSED if suppressed else NotificationStatus.QUEUED,
            error_message=decision.suppressed,
            budget_subject=decision.subject,
            budget_counted=decision.counted,
        )

    def _view(self, tx: Executor, notification_id: UUID, *, replayed: bool = False) -> NotificationView:
        row = repository.find(tx, notification_id)
        if row is None:
            raise NotFound("There is no such notification.")
        return self._shown(row, replayed=replayed)

    def _shown(self, row: repository.StoredNotification, *, replayed: bool = False) -> NotificationView:
        return _view(row, self._recipient(row), replayed=replayed)

    def _recipient(self, row: repository.StoredNotification) -> str | None:
        """The recipient; None once it is deleted, and when its key was retired."""
        if row.recipient is None:
            return None
        try:
            return self._vault.open(row.recipient)["to"]
        except ValueError:
            structlog.get_logger().error("notification.recipient_lost", id=str(row.id))
            return None


def _log_suppressed(messages: Sequence[repository.EncryptedMessage]) -> None:
    log = structlog.get_logger()
    for message in messages:
        if message.error_message:
            log.info(
                "notification.suppressed", id=str(message.id), template=message.template, reason=message.error_message
            )


def _view(row: repository.StoredNotification, to: str | None, *, replayed: bool) -> NotificationView:
    return NotificationView(
        id=row.id,
        status=NotificationStatus(row.status),
        channel=NotificationChannel(row.channel),
        to_masked=masked_recipient(NotificationChannel(row.channel), to) if to else MASK,
        template=row.template,
        created_at=row.created_at,
        error_message=row.error_message,
        replayed=replayed,
    )


#: Messages claimed at once for each worker. An SMS that a dead sender had claimed is never sent again, so no more are
#: claimed than are sent at once. An e-mail is sent again, so more are claimed, with fewer statements.
_PER_WORKER = {NotificationChannel.EMAIL: 4, NotificationChannel.SMS: 1}
#: Threads that send at first, and at most. All SMS of a claim are sent at once, see above.
_SENDERS = {NotificationChannel.EMAIL: (1, 16), NotificationChannel.SMS: (8, 8)}
#: In the order of the fields of `DispatchResult`.
_COUNTED = (NotificationStatus.SENT, NotificationStatus.FAILED, NotificationStatus.QUEUED)
