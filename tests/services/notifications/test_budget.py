"""Budgets: what one recipient and the whole shop may be sent; what is over is suppressed and never sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.db import Database
from services.notifications.budget import OVER_RECIPIENT, OVER_SHOP, MessageBudget
from services.notifications.repository import RECIPIENT_DAYS
from services.notifications.service import NotificationService
from services.notifications.views import DispatchResult, NewMessage
from tests.builders import a_message_budget
from tests.fakes.clock import FakeClock
from tests.services.notifications.conftest import Rows, a_notification, send
from tests.services.notifications.doubles import Outbox

ANNA, PHONE = "anna@example.com", "+79991234567"
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def budget(database: Database, clock: FakeClock) -> MessageBudget:
    return a_message_budget(database, clock, factor=1)


def queue_events(service: NotificationService, number: int, **given: Any) -> None:
    """The messages of so many orders, all for the same buyer."""
    service.queue_order_notifications([a_notification(**given) for _ in range(number)])


def statuses(rows: Rows, channel: str = "email") -> Counter[str]:
    return Counter(row.status for row in rows() if row.channel == channel)


@pytest.mark.parametrize(
    ("channel", "given", "an_hour", "a_day"),
    [("email", {"email": ANNA}, 10, 30), ("sms", {"email": None, "phones": (PHONE,)}, 5, 10)],
)
def test_T130_a_recipient_gets_so_many_messages_an_hour_and_a_day(
    service: NotificationService,
    outbox: Outbox,
    clock: FakeClock,
    rows: Rows,
    channel: str,
    given: dict[str, Any],
    an_hour: int,
    a_day: int,
) -> None:
    """In any hour and any day, wherever they begin."""
    sent_at = []
    for _ in range(2 * 24 * 6):
        queue_events(service, 2, **given)
        sent_at += [clock.at] * service.dispatch().sent
        clock.move(seconds=600)
    assert len(sent_at) == 2 * a_day
    for length, most in ((HOUR, an_hour), (DAY, a_day)):
        counts = [sum(0 <= (at - start).total_seconds() < length for at in sent_at) for start in sent_at]
        assert max(counts) == most
    assert len([*outbox.mails, *outbox.texts]) == 2 * a_day
    assert statuses(rows, channel)["queued"] == 0


def test_T130_a_suppressed_message_is_never_sent_and_keeps_no_variables(
    service: NotificationService, clock: FakeClock, rows: Rows
) -> None:
    with capture_logs() as logs:
        queue_events(service, 11)
    assert service.dispatch() == DispatchResult(sent=10)
    clock.move(seconds=2 * DAY)
    assert service.dispatch() == DispatchResult()
    (over,) = [row for row in rows() if row.status == "suppressed"]
    assert (over.error_message, over.variables, over.budget_counted) == (OVER_RECIPIENT, None, False)
    assert [entry["id"] for entry in logs if entry["event"] == "notification.suppressed"] == [str(over.id)]
    assert service.get(over.id).to_masked == "a***@e***"


def test_T130_parallel_callers_share_the_last_place(
    another: Callable[[], NotificationService], database: Database, rows: Rows
) -> None:
    """Two transactions never both count nine messages."""
    together = Barrier(16)

    def queue(_: int) -> None:
        service = another()
        together.wait()
        queue_events(service, 1)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(queue, range(16)))
    assert statuses(rows) == {"queued": 10, "suppressed": 6}


@pytest.mark.parametrize("spelling", ["ANNA@example.com", "anna+shop@example.com", "Anna+2@Example.COM"])
def test_T130_spellings_of_one_mailbox_have_one_budget(service: NotificationService, rows: Rows, spelling: str) -> None:
    queue_events(service, 9)
    queue_events(service, 2, email=spelling)
    queue_events(service, 1, email="boris@example.com")
    assert statuses(rows) == {"queued": 11, "suppressed": 1}


def test_T130_a_trusted_recipient_has_no_budget(service: NotificationService, rows: Rows) -> None:
    queue_events(service, 40, trusted=frozenset({ANNA}))
    assert statuses(rows) == {"queued": 40}


def test_T130_messages_of_services_count_too(service: NotificationService) -> None:
    queue_events(service, 9)
    assert [send(service).status for _ in range(2)] == ["queued", "suppressed"]


def test_T131_every_sms_counts_against_the_budget_of_the_shop(
    database: Database, service: NotificationService, rows: Rows, clock: FakeClock
) -> None:
    """Also those to people who have proved their phone; what is over is suppressed, whatever its recipient has left."""
    service._budget = a_message_budget(database, clock, factor=1, sms_per_hour=3)
    numbers = [f"+7999123450{last}" for last in range(5)]
    service.queue_order_notifications(
        [a_notification(phones=(number,), trusted=frozenset(numbers[:3])) for number in numbers]
    )
    assert statuses(rows, "sms") == {"queued": 3, "suppressed": 2}
    assert {row.error_message for row in rows() if row.status == "suppressed"} == {OVER_SHOP}
    assert statuses(rows) == {"queued": 5}
    assert service.dispatch() == DispatchResult(sent=8)


def test_T131_codes_are_counted_when_they_are_requested(
    database: Database, service: NotificationService, rows: Rows, clock: FakeClock
) -> None:
    """Not a second time, and not against the budget that order messages may have spent."""
    service._budget = a_message_budget(database, clock, factor=1, sms_per_hour=1)
    queue_events(service, 1, email=None, phones=(PHONE,))
    message = NewMessage.for_account(rows()[0].id, "sms", PHONE, "verify_phone", "ru", {"code": "424242"})
    service.queue([message])
    assert statuses(rows, "sms") == {"queued": 2}


def test_T113_the_hash_of_a_recipient_is_deleted_with_it(
    service: NotificationService, clock: FakeClock, rows: Rows
) -> None:
    queue_events(service, 1)
    assert len(rows()[0].budget_subject) == 32
    service.dispatch()
    clock.move(seconds=(RECIPIENT_DAYS * DAY) + 1)
    assert service.delete_recipients(10) == 1
    assert (rows()[0].recipient, rows()[0].budget_subject) == (None, None)


@pytest.mark.parametrize(("factor", "queued"), [(0.01, 1), (0.5, 5), (2, 20), (0, 40)])
def test_the_factor_multiplies_what_a_recipient_gets(
    database: Database, clock: FakeClock, service: NotificationService, rows: Rows, factor: float, queued: int
) -> None:
    service._budget = a_message_budget(database, clock, factor)
    queue_events(service, 40)
    assert statuses(rows)["queued"] == queued
