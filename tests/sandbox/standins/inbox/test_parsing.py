"""Mails are parsed as the email package does, and a malformed mail is shown as plain text."""

import email
import email.policy

from sandbox.standins.inbox.parsing import MailContent, parse_mail
from tests.sandbox.standins.senders import a_mail


def test_mail_has_subject_text_html_and_the_headers_of_the_standard_policy() -> None:
    raw = a_mail("anna@example.com", "Заказ подтверждён", "Спасибо\nАнна", "<b>Спасибо</b>").as_bytes()
    headers = {name: str(value) for name, value in email.message_from_bytes(raw, policy=email.policy.default).items()}

    assert parse_mail(raw) == MailContent("Спасибо\nАнна\n", "Заказ подтверждён", "<b>Спасибо</b>\n", headers)


def test_mail_that_cannot_be_parsed_is_plain_text() -> None:
    raw = b"Subject: Hello\r\nContent-Type: text/plain; charset=unknown\r\n\r\n\xff\r\n"

    assert parse_mail(raw) == MailContent(raw.decode(errors="replace").replace("\r\n", "\n"))
