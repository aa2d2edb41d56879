"""A mail that the server never takes, by the dispatcher and a real SMTP server: retried for a day, blocks no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.db import Database
from services.notifications import smtp_connections
from services.notifications.budget import MessageBudget
from services.notifications.mail import SmtpMailSender
from services.notifications.rendering import Templates
from services.notifications.retry_policy import DELAYS
from services.notifications.service import NotificationService
from services.notifications.views import DispatchResult
from services.secrets import Vault
from tests.fakes.clock import FakeClock
from tests.services.notifications.conftest import Rows, a_notification
from tests.services.notifications.doubles import Outbox
from tests.services.notifications.sinks import MailServer, mail_server

POISON = "poison@example.com"
DAY = 24 * 3600
#: Seconds for an answer; the sender waits 10 s in production.
TIME_OUT = 0.3


@dataclass
class Mailboxes(MailServer):
    """A mail server that does not take the mail of some recipients: an answer, or None, for which it never answers."""

    contents: dict[str, str | None] = field(default_factory=dict)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        [to] = envelope.rcpt_tos
        if to not in self.contents:
            return await super().handle_DATA(server, session, envelope)
        answer = self.contents[to]
        if answer is None:
            await asyncio.Event().wait()
        return answer or ""


@pytest.fixture(params=[False, True], ids=["one by one", "pipelining"])
def server(request: pytest.FixtureRequest) -> Iterator[Mailboxes]:
    server = Mailboxes(pipelining=request.param)
    with mail_server(server):
        yield server


@pytest.fixture
def service(
    database: Database, clock: FakeClock, templates: Templates, budget: MessageBudget, server: Mailboxes
) -> Iterator[NotificationService]:
    """A dispatcher whose time moves only by the test, and that sends by SMTP."""
    mails = SmtpMailSender(f"smtp://127.0.0.1:{server.port}", "Shop <orders@example.com>", "shop.example.com")
    vault = Vault("a key of the tests")
    yield NotificationService(
        database.with_clock(clock), vault, mails, Outbox(), templates, budget, monotonic=clock.monotonic
    )
    mails.close()


@pytest.mark.parametrize(
    ("to_recipient", "to_content", "reason"),
    [
        ("450 4.2.0 busy", "", "the mail server refused the address (450 4.2.0)"),
        ("503 5.5.1 wrong order", "", "the mail server refused the address (503 5.5.1)"),
        ("", "451 4.7.1 greylisted", "the mail server refused the mail (451 4.7.1)"),
        ("", "554 5.7.1 no spam", "the mail server refused the mail (554 5.7.1)"),
        ("", None, "the connection to the mail server broke before its answer"),
    ],
    ids=["4xx to the address", "5xx to the address", "4xx to the mail", "5xx to the mail", "time-out"],
)
def test_T111_a_mail_that_is_never_taken_fails_after_a_day_and_delays_no_other(
    service: NotificationService,
    server: Mailboxes,
    clock: FakeClock,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    to_recipient: str,
    to_content: str | None,
    reason: str,
) -> None:
    monkeypatch.setattr(smtp_connections, "TIME_OUT", TIME_OUT)
    if to_recipient:
        server.to_recipient = {POISON: to_recipient}
    else:
        server.contents = {POISON: to_content}
    began, waited = clock.at, list[float]()
    service.queue_order_notifications([a_notification(email=POISON)])
    while True:
        other = f"buyer-{len(waited)}@example.com"
        service.queue_order_notifications([a_notification(email=other)])
        done = service.dispatch()
        assert (done.sent, server.recipients[-1]) == (1, other)
        if not done.queued:
            break
        waited.append((next(row.due_at for row in rows() if row.status == "queued") - clock.at).total_seconds())
        clock.move(seconds=waited[-1])
    assert done == DispatchResult(sent=1, failed=1)
    assert waited == sorted(waited) == list(DELAYS)
    assert 23 * 3600 < (clock.at - began).total_seconds() < DAY
    [failed] = [row for row in rows() if row.status != "sent"]
    assert (failed.status, failed.error_message) == ("failed", reason)
    clock.move(seconds=DAY)
    assert service.dispatch() == DispatchResult()


def test_T111_an_address_that_does_not_exist_fails_at_once(
    service: NotificationService, server: Mailboxes, rows: Rows
) -> None:
    server.to_recipient = {POISON: "550 5.1.1 unknown"}
    service.queue_order_notifications([a_notification(email=POISON), a_notification()])
    assert service.dispatch() == DispatchResult(sent=1, failed=1)
    assert [(row.status, row.error_message) for row in rows() if row.status != "sent"] == [
        ("failed", "the mail server refused the address (550 5.1.1)")
    ]
