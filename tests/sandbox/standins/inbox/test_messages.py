"""The inbox is filtered and cleared."""

import smtplib

from sandbox.standins.running import StandIns
from tests.sandbox.standins.clients import Json
from tests.sandbox.standins.senders import a_mail


def test_inbox_is_filtered_by_channel_recipient_and_id(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address, subject="first"))
    first = stand_ins.inbox(to=address.upper())[0]
    smtp.send_message(a_mail(address, subject="second"))

    assert subjects(stand_ins.inbox(to=address)) == ["first", "second"]
    assert subjects(stand_ins.inbox(to=address, after=first["id"])) == ["second"]
    assert stand_ins.inbox(to=address, channel="sms") == []


def test_cleared_inbox_is_empty_and_ids_are_not_reused(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address))
    last = stand_ins.inbox()[-1]["id"]
    assert stand_ins.client.delete(f"{stand_ins.url}/inbox").status_code == 204
    assert stand_ins.inbox() == []

    smtp.send_message(a_mail(address))
    assert stand_ins.inbox()[0]["id"] == last + 1


def subjects(messages: list[Json]) -> list[str]:
    return [message["subject"] for message in messages]
