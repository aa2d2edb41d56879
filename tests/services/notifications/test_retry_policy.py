"""Retries: how long each failure is retried, per message and per channel."""

from __future__ import annotations

from datetime import timedelta

from services.notifications.ports import SENT, DeliveryResult, Email, Outcome
from services.notifications.retry_policy import DELAYS
from services.notifications.service import NotificationService
from services.notifications.views import DispatchResult
from tests.fakes.clock import FakeClock
from tests.services.notifications.conftest import (
    POSTPONED,
    UNREACHABLE,
    Rows,
    a_notification,
)
from tests.services.notifications.doubles import Outbox

PHONE = "+79991234567"


def test_F65_an_outage_uses_up_no_attempts(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    service.queue_order_notifications([a_notification(phones=[PHONE]) for _ in range(30)])
    outbox.answer = lambda message: UNREACHABLE if isinstance(message, Email) else SENT
    first = service.dispatch()
    assert (first.sent, first.failed) == (30, 0)
    assert {row.attempts for row in rows() if row.channel == "email"} == {0}
    assert service.dispatch() == DispatchResult()
    for pause in (1, 2, 5, 10, 10):
        tried = len(outbox.mails)
        clock.move(seconds=pause - 0.1)
        assert service.dispatch() == DispatchResult()
        assert len(outbox.mails) == tried
        clock.move(seconds=0.1)
        assert service.dispatch().sent == 0
        assert len(outbox.mails) > tried
    outbox.answer = lambda _: SENT
    clock.move(seconds=10)
    assert service.dispatch() == DispatchResult(sent=30)


def test_F68_a_poison_address_does_not_delay_others(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    refused, broken = (DeliveryResult(Outcome.REJECTED, "refused (550 5.1.1)"), POSTPONED)
    service.queue_order_notifications(
        [a_notification(email="no@example.com"), a_notification(email="bad@example.com"), a_notification()]
    )
    outbox.answer = lambda message: {"no@": refused, "bad": broken}.get(message.to[:3], SENT)
    assert service.dispatch() == DispatchResult(sent=1, failed=1, queued=1)
    assert [(row.status, row.error_message) for row in rows()] == [
        ("failed", "refused (550 5.1.1)"),
        ("queued", "the mail server refused the mail (451)"),
        ("sent", None),
    ]
    assert [row.due_at - clock.at for row in rows() if row.status == "queued"] == [timedelta(seconds=1)]
    clock.move(seconds=0.5)
    service.queue_order_notifications([a_notification()])
    assert service.dispatch() == DispatchResult(sent=1)


def test_an_email_is_retried_for_a_day_with_growing_delays(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    service.queue_order_notifications([a_notification()])
    outbox.answer = lambda _: POSTPONED
    delays = []
    while service.dispatch().queued:
        delays.append((rows()[0].due_at - clock.at).total_seconds())
        clock.move(seconds=delays[-1])
    assert delays[:6] == [1, 5, 30, 120, 600, 1800]
    assert 23 * 3600 < sum(DELAYS) < 24 * 3600
    assert delays == list(DELAYS)
    assert [(row.status, row.variables, row.error_message) for row in rows()] == [("failed", None, POSTPONED.reason)]


def test_an_sms_with_an_unknown_outcome_fails_and_is_never_sent_again(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    service.queue_order_notifications([a_notification(email=None, phones=[PHONE])])
    outbox.answer = lambda _: DeliveryResult(Outcome.UNKNOWN, "the SMS gateway gave no answer: delivery unknown")
    assert service.dispatch() == DispatchResult(failed=1)
    clock.move(seconds=2 * 24 * 3600)
    assert service.dispatch() == DispatchResult()
    assert len(outbox.texts) == 1
    assert [row.error_message for row in rows()] == ["the SMS gateway gave no answer: delivery unknown"]


def test_an_sms_that_was_not_accepted_is_sent_later(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    service.queue_order_notifications([a_notification(email=None, phones=[PHONE])])
    outbox.answer = lambda _: UNREACHABLE
    assert service.dispatch() == DispatchResult(queued=1)
    outbox.answer = lambda _: SENT
    clock.move(seconds=1)
    assert service.dispatch() == DispatchResult(sent=1)
