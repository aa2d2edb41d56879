"""Queueing, dispatching and showing notifications, over a real database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from uuid import UUID

import psycopg
import pytest
from structlog.testing import capture_logs

from services.clock import new_id
from services.db import Database
from services.errors import IdempotencyKeyReused, NotFound
from services.idempotency import IdempotentRequest
from services.notifications.budget import MessageBudget
from services.notifications.ports import SENT, DeliveryResult, Email, Outcome, Sms, UnconfiguredSender
from services.notifications.rendering import Templates
from services.notifications.repository import RECIPIENT_DAYS
from services.notifications.retry_policy import LEASE
from services.notifications.service import TURN, NotificationService
from services.notifications.status import NotificationChannel, NotificationStatus
from services.notifications.views import DispatchResult, NotificationView
from services.secrets import Vault
from tests.builders import a_message_budget
from tests.fakes.clock import FakeClock
from tests.services.notifications.conftest import (
    POSTPONED,
    UNREACHABLE,
    VARIABLES,
    Rows,
    a_notification,
    send,
)
from tests.services.notifications.doubles import NOON, Outbox

PHONE = "+79991234567"


def test_both_channels_are_sent_and_marked(service: NotificationService, outbox: Outbox, rows: Rows) -> None:
    service.queue_order_notifications([a_notification("paid", phones=[PHONE])])
    assert service.dispatch() == DispatchResult(sent=2)
    assert [mail.to for mail in outbox.mails] == ["anna@example.com"]
    assert [(sms.to, "1\u00a0999,00\u00a0₽" in sms.body) for sms in outbox.texts] == [(PHONE, True)]
    assert {(row.status, row.sent_at, row.error_message) for row in rows()} == {("sent", NOON, None)}
    assert service.dispatch() == DispatchResult()


def test_two_dispatchers_send_each_message_once(another: Callable[[], NotificationService], outbox: Outbox) -> None:
    another().queue_order_notifications([a_notification(phones=[PHONE]) for _ in range(60)])
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(another().dispatch, 100) for _ in range(2)]
    assert sum(run.result().sent for run in runs) == 120
    assert len({one.id for one in outbox.mails} | {one.id for one in outbox.texts}) == 120
    assert (len(outbox.mails), len(outbox.texts)) == (60, 60)


def test_the_limit_applies_to_each_channel(service: NotificationService) -> None:
    service.queue_order_notifications([a_notification(phones=[PHONE]) for _ in range(30)])
    assert service.dispatch(limit=20) == DispatchResult(sent=40)
    assert service.dispatch(limit=20) == DispatchResult(sent=20)


def test_a_slow_channel_does_not_keep_the_other_from_its_next_messages(
    service: NotificationService, outbox: Outbox, clock: FakeClock
) -> None:
    """Both are dispatched together, so a mail that is queued meanwhile waits for every SMS of the dispatch."""
    seconds, moving = 4.0, Lock()

    def slowly(_: Email | Sms) -> DeliveryResult:
        with moving:
            clock.move(seconds=seconds / 8)  # eight are sent at once
        return SENT

    outbox.answer = slowly
    service.queue_order_notifications([a_notification(email=None, phones=[PHONE]) for _ in range(80)])
    started = clock.monotonic()
    assert 0 < service.dispatch(limit=200).sent < 80
    assert clock.monotonic() - started <= TURN + seconds + 0.1
    while service.dispatch(limit=200).sent:
        pass
    assert (len(outbox.texts), len({sms.id for sms in outbox.texts})) == (80, 80)


def test_T109_variables_are_deleted_once_sent_or_failed(
    service: NotificationService, outbox: Outbox, rows: Rows
) -> None:
    service.queue_order_notifications([a_notification(), a_notification(email="nobody@example.com")])
    outbox.answer = lambda message: (
        SENT if message.to.startswith("anna") else DeliveryResult(Outcome.REJECTED, "refused")
    )
    assert service.dispatch() == DispatchResult(sent=1, failed=1)
    assert {row.status: row.variables for row in rows()} == {"sent": None, "failed": None}


def test_T113_logs_contain_no_personal_data(service: NotificationService, outbox: Outbox) -> None:
    outbox.answer = lambda message: POSTPONED if isinstance(message, Email) else UNREACHABLE
    service.queue_order_notifications([a_notification(phones=[PHONE])])
    with capture_logs() as logs:
        service.dispatch()
    assert {entry["event"] for entry in logs} == {"notifications.unreachable", "notification.not_sent"}
    assert not [word for word in ("anna", "999", "Анна") if word in repr(logs)]


@pytest.mark.parametrize(
    ("late_result", "status", "attempts"), [(POSTPONED, "queued", 2), (SENT, "sent", 1)], ids=["postponed", "sent"]
)
def test_after_the_lease_ended_only_the_status_sent_is_written(
    another: Callable[[], NotificationService],
    outbox: Outbox,
    clock: FakeClock,
    rows: Rows,
    late_result: DeliveryResult,
    status: str,
    attempts: int,
) -> None:
    def overtaken(_: Email | Sms) -> DeliveryResult:
        outbox.answer = lambda _: POSTPONED
        clock.move(seconds=LEASE)
        assert another().dispatch() == DispatchResult(queued=1)
        return late_result

    another().queue_order_notifications([a_notification()])
    outbox.answer = overtaken
    another().dispatch()
    assert [(row.status, row.attempts) for row in rows()] == [(status, attempts)]


def test_an_unconfigured_sender_fails_each_message_with_the_missing_setting(
    database: Database, clock: FakeClock, templates: Templates, budget: MessageBudget, rows: Rows
) -> None:
    mail_sender, sms_sender = UnconfiguredSender("SMTP_URL"), UnconfiguredSender("SMS_URL")
    service = NotificationService(database.with_clock(clock), Vault("key"), mail_sender, sms_sender, templates, budget)
    service.queue_order_notifications([a_notification(phones=[PHONE])])
    assert service.dispatch() == DispatchResult(failed=2)
    assert [row.error_message for row in rows()] == ["SMTP_URL is not set", "SMS_URL is not set"]


def test_parallel_calls_queue_one_row_per_key(service: NotificationService, rows: Rows) -> None:
    notifications = [a_notification(phones=["+79991234567"]) for _ in range(5)]
    together = Barrier(32)

    def queue(turn: int) -> int:
        together.wait()
        return service.queue_order_notifications(notifications if turn % 2 else notifications[::-1])

    with ThreadPoolExecutor(32) as pool:
        new = list(pool.map(queue, range(32)))

    assert sum(new) == 10
    assert len({row.key for row in rows()}) == len(rows()) == 10


def test_recipients_and_variables_are_stored_encrypted(service: NotificationService, rows: Rows) -> None:
    service.queue_order_notifications([a_notification(phones=["+79991234567"])])
    stored = repr(rows())
    assert not [word for word in ("anna", "9991234567", "Анна", "1999") if word in stored]


def test_the_dispatcher_is_woken_when_a_message_is_stored(service: NotificationService, database_url: str) -> None:
    notification = a_notification()
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN notifications")
        service.queue_order_notifications([notification])
        assert [word.channel for word in listener.notifies(timeout=5, stop_after=1)] == ["notifications"]
        service.queue_order_notifications([notification])
        assert list(listener.notifies(timeout=0.2)) == []


def test_a_message_is_queued_and_shown(service: NotificationService, rows: Rows) -> None:
    view = send(service)
    assert view == NotificationView(
        id=view.id,
        status=NotificationStatus.QUEUED,
        channel=NotificationChannel.EMAIL,
        to_masked="a***@e***",
        template="order_paid",
        created_at=NOON,
        error_message=None,
    )
    assert [(row.key, row.order_id) for row in rows()] == [(f"send:{view.id}", None)]
    assert service.dispatch() == DispatchResult(sent=1)
    assert service.get(view.id).status is NotificationStatus.SENT


@pytest.mark.parametrize(
    ("channel", "to", "masked"),
    [("email", "anna@example.com", "a***@e***"), ("email", "a@b.ru", "a***@b***"), ("sms", "+79991234567", "+7***67")],
)
def test_T110_the_recipient_is_masked(service: NotificationService, channel: str, to: str, masked: str) -> None:
    assert service.get(send(service, channel=channel, to=to).id).to_masked == masked


def test_T110_an_unknown_notification_is_not_found(service: NotificationService) -> None:
    with pytest.raises(NotFound):
        service.get(new_id())


def test_T108_the_same_key_is_the_same_notification(service: NotificationService, outbox: Outbox, rows: Rows) -> None:
    key = IdempotentRequest.of("service:shop", "POST /notifications/send", "k1", VARIABLES)
    first, again = send(service, idempotent=key), send(service, idempotent=key)
    assert service.dispatch() == DispatchResult(sent=1)
    later = send(service, idempotent=key)
    assert [first.replayed, again.replayed, later.replayed] == [False, True, True]
    assert {first.id, again.id, later.id} == {rows()[0].id}
    assert later.status is NotificationStatus.SENT
    assert len(outbox.mails) == 1
    with pytest.raises(IdempotencyKeyReused):
        send(service, idempotent=IdempotentRequest.of("service:shop", "POST /notifications/send", "k1", {}))


def test_each_notification_has_its_own_id(service: NotificationService) -> None:
    ids: set[UUID] = {send(service).id for _ in range(3)}
    assert len(ids) == 3


def test_the_recipient_is_deleted_thirty_days_after_the_message(
    service: NotificationService, clock: FakeClock, rows: Rows
) -> None:
    sent = send(service)
    service.dispatch()
    clock.move(days=RECIPIENT_DAYS)
    assert service.delete_recipients(10) == 0
    assert service.get(sent.id).to_masked == "a***@e***"
    clock.move(seconds=1)
    assert [service.delete_recipients(10), service.delete_recipients(10)] == [1, 0]
    assert [row.recipient for row in rows()] == [None]
    assert (service.get(sent.id).to_masked, service.get(sent.id).status) == ("***", NotificationStatus.SENT)


def test_I6_a_message_whose_recipient_is_deleted_is_not_sent_again(
    service: NotificationService, clock: FakeClock, outbox: Outbox
) -> None:
    notification = a_notification("paid", phones=[PHONE])
    service.queue_order_notifications([notification])
    service.dispatch()
    clock.move(days=RECIPIENT_DAYS + 1)
    assert [service.delete_recipients(1) for _ in range(3)] == [1, 1, 0]
    assert service.queue_order_notifications([notification]) == 0
    assert service.dispatch() == DispatchResult()
    assert (len(outbox.mails), len(outbox.texts)) == (1, 1)


def test_the_recipient_of_a_queued_message_is_kept(
    service: NotificationService, clock: FakeClock, outbox: Outbox
) -> None:
    service.queue_order_notifications([a_notification(), a_notification(email="nobody@example.com")])
    outbox.answer = lambda message: POSTPONED if message.to.startswith("anna") else UNREACHABLE
    service.dispatch()
    clock.move(days=RECIPIENT_DAYS + 1)
    assert service.delete_recipients(10) == 0
    outbox.answer = lambda _: SENT
    assert service.dispatch() == DispatchResult(sent=2)
    assert service.delete_recipients(10) == 2


def test_F97_a_message_whose_recipient_cannot_be_decrypted_is_shown_without_it(
    database: Database, service: NotificationService, outbox: Outbox, clock: FakeClock, templates: Templates
) -> None:
    vault = Vault("a key that was retired too early")
    budget = a_message_budget(database, clock)
    before = NotificationService(database.with_clock(clock), vault, outbox, outbox, templates, budget)
    lost = a_notification("created")
    before.queue_order_notifications([lost])
    service.queue_order_notifications([a_notification("paid", order_id=lost.order_id)])
    shown = service.of_order(lost.order_id, None, 10)
    assert [each.to_masked for each in shown] == ["***", "a***@e***"]
    assert service.get(shown[0].id).to_masked == "***"
