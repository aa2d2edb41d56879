"""The inbox is filtered and cleared, and parses a mail when it is first read."""

import smtplib
from collections.abc import Iterator

import pytest

from sandbox.standins.inbox.messages import SCHEMA, Channel, Inbox, Message, MessageFilter
from sandbox.standins.running import StandIns
from sandbox.standins.storage import open_database
from tests.sandbox.standins.clients import Json
from tests.sandbox.standins.senders import a_mail


def test_inbox_is_filtered_by_channel_recipient_and_id(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address, subject="first"))
    first = stand_ins.inbox(to=address.upper())[0]
    smtp.send_message(a_mail(address, subject="second"))

    assert subjects(stand_ins.inbox(to=address)) == ["first", "second"]
    assert subjects(stand_ins.inbox(to=address, after=first["id"])) == ["second"]
    assert stand_ins.inbox(to=address, channel="sms") == []


def test_T205_a_long_inbox_is_read_in_parts(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    for number in range(5):
        smtp.send_message(a_mail(address, subject=f"mail {number}"))

    first = stand_ins.inbox(to=address, limit=2)
    second = stand_ins.inbox(to=address, limit=2, after=first[-1]["id"])
    third = stand_ins.inbox(to=address, limit=2, after=second[-1]["id"])
    assert [subjects(part) for part in (first, second, third)] == [
        ["mail 0", "mail 1"],
        ["mail 2", "mail 3"],
        ["mail 4"],
    ]
    assert stand_ins.inbox(to=address, limit=2, after=third[-1]["id"]) == []


def test_cleared_inbox_is_empty_and_ids_are_not_reused(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address))
    last = stand_ins.inbox()[-1]["id"]
    assert stand_ins.client.delete(f"{stand_ins.url}/inbox").status_code == 204
    assert stand_ins.inbox() == []

    smtp.send_message(a_mail(address))
    assert stand_ins.inbox()[0]["id"] == last + 1


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    db = open_database(None, "inbox.sqlite", SCHEMA)
    yield Inbox(db)
    db.close()


def test_mail_is_parsed_when_it_is_first_read(inbox: Inbox) -> None:
    raw = a_mail("anna@example.com", subject="first").as_bytes()
    inbox.add_mail(raw, ["anna@example.com", "boris@example.com"])
    assert raw_mails(inbox) == [raw, raw]

    (first_read,) = inbox.find(MessageFilter(to="ANNA@example.com"))
    assert (first_read.subject, first_read.text) == ("first", "Hello\n")
    assert raw_mails(inbox) == [raw]
    assert inbox.find(MessageFilter(to="anna@example.com")) == [first_read]


def test_recipient_is_that_of_the_envelope(inbox: Inbox) -> None:
    inbox.add_mail(a_mail("anna@example.com").as_bytes(), ["boris@example.com"])

    assert inbox.count(MessageFilter(to="anna@example.com")) == 0
    assert inbox.count(MessageFilter(part="boris")) == 1


def test_mail_that_cannot_be_parsed_is_listed(inbox: Inbox) -> None:
    inbox.add_mail(b"Content-Type: text/plain; charset=unknown\r\n\r\nHello\r\n", ["anna@example.com"])
    inbox.add(Message(Channel.SMS, "+79161234567", "Hello"))

    mail, sms = inbox.find(MessageFilter())
    assert (mail.recipient, mail.subject, sms.text) == ("anna@example.com", None, "Hello")
    assert mail.text == "Content-Type: text/plain; charset=unknown\n\nHello\n"


def test_clear_deletes_unread_mails(inbox: Inbox) -> None:
    inbox.add_mail(a_mail("anna@example.com").as_bytes(), ["anna@example.com"])
    inbox.clear()

    assert (inbox.find(MessageFilter()), raw_mails(inbox)) == ([], [])


def raw_mails(inbox: Inbox) -> list[bytes]:
    return [row["content"] for row in inbox.db.execute("SELECT content FROM raw_mails")]


def subjects(messages: list[Json]) -> list[str]:
    return [message["subject"] for message in messages]
