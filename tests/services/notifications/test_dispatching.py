"""Dispatching: once each, side by side, patiently, and without a memory of what was said."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from structlog.testing import capture_logs

from services.db import Sessions
from services.notifications.ports import SENT, Delivery, Mail, Outcome, Text, Unconfigured
from services.notifications.rendering import Templates
from services.notifications.retry_policy import DELAYS, LEASE
from services.notifications.service import NotificationService
from services.notifications.views import Dispatched
from services.secrets import Vault
from tests.fakes.clock import FakeClock
from tests.services.notifications.conftest import Rows, a_notice
from tests.services.notifications.doubles import NOON, Outbox

PHONE = "+79991234567"
UNREACHABLE = Delivery(Outcome.UNREACHABLE, "the mail server cannot be reached (ConnectionRefusedError)")
POSTPONED = Delivery(Outcome.POSTPONED, "the mail server refused the mail (451)")


class Killed(BaseException):
    """The process ends here: nothing after it runs."""


def test_both_channels_are_sent_and_marked(service: NotificationService, outbox: Outbox, rows: Rows) -> None:
    service.queue_order_events([a_notice("paid", phones=[PHONE])])
    assert service.dispatch() == Dispatched(sent=2)
    assert [mail.to for mail in outbox.mails] == ["anna@example.com"]
    assert [(sms.to, "1\u00a0999,00\u00a0₽" in sms.body) for sms in outbox.texts] == [(PHONE, True)]
    assert {(row.status, row.sent_at, row.error_message) for row in rows()} == {("sent", NOON, None)}
    assert service.dispatch() == Dispatched()


def test_a_cancellation_says_why(service: NotificationService, outbox: Outbox) -> None:
    phones = {"email": None, "phones": [PHONE]}
    service.queue_order_events([a_notice("cancelled", reason="payment_declined", **phones)])
    service.queue_order_events([a_notice("cancelled", **phones)])
    service.dispatch(workers=1)
    assert [sms.body.partition(": ")[2] for sms in outbox.texts] == ["оплата не прошла.", "сбой на нашей стороне."]


def test_two_dispatchers_send_each_once(another: Callable[[], NotificationService], outbox: Outbox) -> None:
    another().queue_order_events([a_notice(phones=[PHONE]) for _ in range(60)])
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(another().dispatch, 100) for _ in range(2)]
    assert sum(run.result().sent for run in runs) == 120
    assert len({one.id for one in outbox.mails} | {one.id for one in outbox.texts}) == 120
    assert (len(outbox.mails), len(outbox.texts)) == (60, 60)


def test_messages_of_one_order_keep_their_order(service: NotificationService, outbox: Outbox) -> None:
    first, others = a_notice(), Barrier(6, timeout=5)
    notices = [a_notice(event, order_id=first.order_id) for event in ("created", "paid", "confirmed")]
    service.queue_order_events([*notices, *(a_notice(email="boris@example.com") for _ in range(5))])

    def the_first_one_last(message: Mail | Text) -> Delivery:
        if isinstance(message, Mail) and (message.to.startswith("boris") or message.subject.endswith("принят")):
            others.wait()
        return SENT

    outbox.answer = the_first_one_last
    assert service.dispatch() == Dispatched(sent=8)
    subjects = [mail.subject.split()[-1] for mail in outbox.mails if mail.to.startswith("anna")]
    assert subjects == ["принят", "оплачен", "подтверждён"]


def test_nobody_tries_a_server_that_was_just_found_away(service: NotificationService, outbox: Outbox) -> None:
    service.queue_order_events([a_notice() for _ in range(20)])
    outbox.answer = lambda _: UNREACHABLE
    assert service.dispatch(workers=1) == Dispatched(later=2)
    assert len(outbox.mails) == 1


def test_the_limit_bounds_each_channel(service: NotificationService) -> None:
    service.queue_order_events([a_notice(phones=[PHONE]) for _ in range(30)])
    assert service.dispatch(limit=20) == Dispatched(sent=40)
    assert service.dispatch(limit=20) == Dispatched(sent=20)


def test_T109_variables_are_dropped_after_the_end(service: NotificationService, outbox: Outbox, rows: Rows) -> None:
    service.queue_order_events([a_notice(), a_notice(email="nobody@example.com")])
    outbox.answer = lambda message: SENT if message.to.startswith("anna") else Delivery(Outcome.REJECTED, "refused")
    assert service.dispatch() == Dispatched(sent=1, failed=1)
    assert {row.status: row.variables for row in rows()} == {"sent": None, "failed": None}


def test_F65_an_outage_costs_nobodys_patience(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    service.queue_order_events([a_notice(phones=[PHONE]) for _ in range(30)])
    outbox.answer = lambda message: UNREACHABLE if isinstance(message, Mail) else SENT
    first = service.dispatch()
    assert (first.sent, first.failed) == (30, 0)
    assert {row.attempts for row in rows() if row.channel == "email"} == {0}
    assert service.dispatch() == Dispatched()
    for pause in (1, 2, 5, 10, 10):
        assert service.next_due() == pause
        clock.move(seconds=pause)
        assert service.dispatch().sent == 0
    outbox.answer = lambda _: SENT
    clock.move(seconds=10)
    assert service.next_due() == 0
    assert service.dispatch() == Dispatched(sent=30)
    assert service.next_due() is None


def test_F68_a_poison_address_does_not_delay_others(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    refused, broken = (Delivery(Outcome.REJECTED, "refused (550 5.1.1)"), POSTPONED)
    service.queue_order_events([a_notice(email="no@example.com"), a_notice(email="bad@example.com"), a_notice()])
    outbox.answer = lambda message: {"no@": refused, "bad": broken}.get(message.to[:3], SENT)
    assert service.dispatch() == Dispatched(sent=1, failed=1, later=1)
    assert [(row.status, row.error_message) for row in rows()] == [
        ("failed", "refused (550 5.1.1)"),
        ("queued", "the mail server refused the mail (451)"),
        ("sent", None),
    ]
    assert service.next_due() == 1
    clock.move(seconds=0.5)
    service.queue_order_events([a_notice()])
    assert service.dispatch() == Dispatched(sent=1)


def test_an_email_is_tried_for_a_day_with_growing_pauses(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    service.queue_order_events([a_notice()])
    outbox.answer = lambda _: POSTPONED
    pauses = []
    while service.dispatch().later:
        pauses.append(service.next_due())
        clock.move(seconds=pauses[-1] or 0)
    assert pauses[:6] == [1, 5, 30, 120, 600, 1800]
    assert 23 * 3600 < sum(DELAYS) < 24 * 3600
    assert pauses == list(DELAYS)
    assert [(row.status, row.variables, row.error_message) for row in rows()] == [("failed", None, POSTPONED.reason)]


def test_an_sms_in_doubt_is_failed_and_never_sent_again(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    service.queue_order_events([a_notice(email=None, phones=[PHONE])])
    outbox.answer = lambda _: Delivery(Outcome.UNKNOWN, "the SMS gateway gave no answer: delivery unknown")
    assert service.dispatch() == Dispatched(failed=1)
    clock.move(seconds=2 * 24 * 3600)
    assert service.dispatch() == Dispatched()
    assert len(outbox.texts) == 1
    assert [row.error_message for row in rows()] == ["the SMS gateway gave no answer: delivery unknown"]


def test_an_sms_that_nobody_took_is_sent_later(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    service.queue_order_events([a_notice(email=None, phones=[PHONE])])
    outbox.answer = lambda _: UNREACHABLE
    assert service.dispatch() == Dispatched(later=1)
    outbox.answer = lambda _: SENT
    clock.move(seconds=1)
    assert service.dispatch() == Dispatched(sent=1)


def test_F67_a_killed_senders_email_goes_again_and_its_sms_does_not(
    another: Callable[[], NotificationService], outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    sent: list[Mail | Text] = []

    def die(message: Mail | Text) -> Delivery:
        sent.append(message)
        raise Killed

    another().queue_order_events([a_notice(phones=[PHONE])])
    outbox.answer = die
    with pytest.raises(Killed):
        another().dispatch()
    assert {row.status for row in rows()} == {"queued"}
    outbox.answer = lambda _: SENT
    survivor = another()
    assert survivor.dispatch() == Dispatched()
    assert survivor.next_due() == LEASE
    clock.move(seconds=LEASE)
    assert survivor.dispatch() == Dispatched(sent=1, failed=1)
    assert [mail.id for mail in outbox.mails] == [message.id for message in sent if isinstance(message, Mail)]
    assert outbox.texts == []
    assert {row.channel: row.error_message for row in rows()} == {
        "email": None,
        "sms": "delivery unknown: the sender stopped while it was sending",
    }


@pytest.mark.parametrize(
    ("late_news", "status", "attempts"), [(POSTPONED, "queued", 2), (SENT, "sent", 1)], ids=["postponed", "sent"]
)
def test_of_a_sender_whose_lease_ended_only_sent_counts(
    another: Callable[[], NotificationService],
    outbox: Outbox,
    clock: FakeClock,
    rows: Rows,
    late_news: Delivery,
    status: str,
    attempts: int,
) -> None:
    def overtaken(_: Mail | Text) -> Delivery:
        outbox.answer = lambda _: POSTPONED
        clock.move(seconds=LEASE)
        assert another().dispatch() == Dispatched(later=1)
        return late_news

    another().queue_order_events([a_notice()])
    outbox.answer = overtaken
    another().dispatch()
    assert [(row.status, row.attempts) for row in rows()] == [(status, attempts)]


def test_nothing_is_begun_when_the_lease_has_little_time_left(
    service: NotificationService, outbox: Outbox, clock: FakeClock, rows: Rows
) -> None:
    first = a_notice()
    service.queue_order_events([first, a_notice("paid", order_id=first.order_id)])

    def slowly(_: Mail | Text) -> Delivery:
        clock.move(seconds=LEASE / 2)
        return SENT

    outbox.answer = slowly
    assert service.dispatch(limit=2) == Dispatched(sent=1, later=1)
    assert [(row.status, row.attempts) for row in rows()] == [("sent", 1), ("queued", 0)]
    assert service.dispatch() == Dispatched(sent=1)


def test_F73_a_message_that_cannot_be_opened_waits_and_delays_nobody(
    sessions: Sessions, service: NotificationService, outbox: Outbox, clock: FakeClock, templates: Templates, rows: Rows
) -> None:
    vault = Vault("a key that was retired too early")
    NotificationService(sessions, vault, outbox, outbox, clock, templates).queue_order_events([a_notice()])
    service.queue_order_events([a_notice(), a_notice(email=None, phones=[PHONE])])
    assert service.dispatch() == Dispatched(sent=2, later=1)
    assert [row.error_message for row in rows() if row.status == "queued"] == [
        "the message could not be composed (ValueError)"
    ]
    assert service.next_due() == 600
    clock.move(seconds=25 * 3600)
    assert service.dispatch() == Dispatched(failed=1)


def test_without_a_server_each_message_says_what_is_missing(
    sessions: Sessions, clock: FakeClock, templates: Templates, rows: Rows
) -> None:
    mailer, texter = Unconfigured("SMTP_URL"), Unconfigured("SMS_URL")
    service = NotificationService(sessions, Vault("key"), mailer, texter, clock, templates)
    service.queue_order_events([a_notice(phones=[PHONE])])
    assert service.dispatch() == Dispatched(failed=2)
    assert [row.error_message for row in rows()] == ["SMTP_URL is not set", "SMS_URL is not set"]


def test_T113_logs_name_nobody(service: NotificationService, outbox: Outbox) -> None:
    outbox.answer = lambda message: POSTPONED if isinstance(message, Mail) else UNREACHABLE
    service.queue_order_events([a_notice(phones=[PHONE])])
    with capture_logs() as logs:
        service.dispatch()
    assert {entry["event"] for entry in logs} == {"notifications.unreachable", "notification.not_sent"}
    assert not [word for word in ("anna", "999", "Анна") if word in repr(logs)]
