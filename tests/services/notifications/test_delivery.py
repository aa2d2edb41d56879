"""Sending claimed messages: sequence per order, unreachable servers, leases, messages that cannot be rendered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier

import pytest

from services.db import Database
from services.notifications.ports import SENT, DeliveryResult, Email, Sms
from services.notifications.rendering import Templates
from services.notifications.retry_policy import LEASE
from services.notifications.service import NotificationService
from services.notifications.views import DispatchResult
from services.secrets import Vault
from tests.builders import a_message_budget
from tests.fakes.clock import FakeClock
from tests.services.notifications.conftest import (
    UNREACHABLE,
    Rows,
    a_notification,
)
from tests.services.notifications.doubles import Outbox

PHONE = "+79991234567"


class Killed(BaseException):
    """Stands for a process that is killed: no handler runs."""


def test_messages_of_one_order_keep_their_order(service: NotificationService, outbox: Outbox) -> None:
    first, others = a_notification(), Barrier(6, timeout=5)
    notifications = [a_notification(event, order_id=first.order_id) for event in ("created", "paid", "confirmed")]
    service.queue_order_notifications([*notifications, *(a_notification(email="boris@example.com") for _ in range(5))])

    def the_first_one_last(message: Email | Sms) -> DeliveryResult:
        if isinstance(message, Email) and (message.to.startswith("boris") or message.subject.endswith("принят")):
            others.wait()
        return SENT

    outbox.answer = the_first_one_last
    assert service.dispatch() == DispatchResult(sent=8)
    subjects = [mail.subject.split()[-1] for mail in outbox.mails if mail.to.startswith("anna")]
    assert subjects == ["принят", "оплачен", "подтверждён"]


def test_a_batch_stops_when_the_server_is_unreachable(service: NotificationService, outbox: Outbox) -> None:
    service.queue_order_notifications([a_notification() for _ in range(20)])
    outbox.answer = lambda _: UNREACHABLE
    assert service.dispatch(workers=1) == DispatchResult(queued=4)
    assert len(outbox.mails) == 1


def test_F67_after_a_sender_was_killed_its_email_is_sent_again_and_its_sms_is_not(
    another: Callable[[], NotificationService], outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    sent: list[Email | Sms] = []

    def die(message: Email | Sms) -> DeliveryResult:
        sent.append(message)
        raise Killed

    another().queue_order_notifications([a_notification(phones=[PHONE])])
    outbox.answer = die
    with pytest.raises(Killed):
        another().dispatch()
    assert {row.status for row in rows()} == {"queued"}
    outbox.answer = lambda _: SENT
    survivor = another()
    assert survivor.dispatch() == DispatchResult()
    assert {row.due_at - clock.at for row in rows()} == {timedelta(seconds=LEASE)}
    clock.move(seconds=LEASE)
    assert survivor.dispatch() == DispatchResult(sent=1, failed=1)
    assert [mail.id for mail in outbox.mails] == [message.id for message in sent if isinstance(message, Email)]
    assert outbox.texts == []
    assert {row.channel: row.error_message for row in rows()} == {
        "email": None,
        "sms": "delivery unknown: the sender stopped while it was sending",
    }


def test_no_message_is_started_when_the_lease_is_nearly_over(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    first = a_notification()
    service.queue_order_notifications([first, a_notification("paid", order_id=first.order_id)])

    def slowly(_: Email | Sms) -> DeliveryResult:
        clock.move(seconds=LEASE / 2)
        return SENT

    outbox.answer = slowly
    assert service.dispatch(limit=2) == DispatchResult(sent=1, queued=1)
    assert [(row.status, row.attempts) for row in rows()] == [("sent", 1), ("queued", 0)]
    assert service.dispatch() == DispatchResult(sent=1)


def test_F73_a_message_that_cannot_be_decrypted_waits_and_does_not_block_others(
    database: Database, service: NotificationService, outbox: Outbox, clock: FakeClock, templates: Templates, rows: Rows
) -> None:
    vault = Vault("a key that was retired too early")
    budget = a_message_budget(database, clock)
    NotificationService(database.with_clock(clock), vault, outbox, outbox, templates, budget).queue_order_notifications(
        [a_notification()]
    )
    service.queue_order_notifications([a_notification(), a_notification(email=None, phones=[PHONE])])
    assert service.dispatch() == DispatchResult(sent=2, queued=1)
    assert [row.error_message for row in rows() if row.status == "queued"] == [
        "the message could not be composed (ValueError)"
    ]
    assert [row.due_at - clock.at for row in rows() if row.status == "queued"] == [timedelta(seconds=600)]
    clock.move(seconds=25 * 3600)
    assert service.dispatch() == DispatchResult(failed=1)
