"""The bytes of a mail, read back by the `email` package."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.clock import new_id
from services.notifications.mime import bracketed, compose
from services.notifications.ports import Email
from tests.services.notifications.doubles import NOON

HEADERS = ["Content-Type", "MIME-Version", "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
SENDER = "Магазин <orders@example.com>"
CONTROL = [*map(chr, range(32)), "\x7f"]
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=2000)
ONE_LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROL), max_size=300)


def composed(to: str = "anna@example.com", subject: str = "Paid", text: str = "", html: str = "") -> bytes:
    return compose(Email(new_id(), to, subject, text, html, NOON), SENDER, "shop.example.com")


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


@settings(max_examples=60, deadline=None)
@given(st.emails(), ONE_LINE, ANY, ANY)
@example("anna@example.com", "=?utf-8?b?0JA=?=", ".\r\n.\r\n--part", "<p>")
@example("anna@example.com", " two  spaces ", "", "")
@example("anna@example.com", "я" * 60, "", "")
def test_T106_any_text_is_read_back_unchanged(to: str, subject: str, text: str, html: str) -> None:
    message = parsed(composed(to, subject, text, html))
    assert (message.keys(), message.defects) == (HEADERS, [])
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, to, subject)
    parts = [(part.get_content_type(), part.get_content(), part.defects) for part in message.iter_parts()]
    assert parts == [("text/plain", text, []), ("text/html", html, [])]


@settings(max_examples=60, deadline=None)
@given(ONE_LINE, ANY)
def test_every_line_is_short_ascii_and_none_starts_with_a_dot(subject: str, text: str) -> None:
    content = composed(subject=subject, text=text, html=text)
    assert content.isascii()
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert not [line for line in lines if line.startswith(b".") or re.search(rb"[\r\n\0]", line)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CONTROL), ONE_LINE, ONE_LINE)
def test_T106_a_control_character_in_a_header_is_refused(control: str, before: str, after: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        composed(subject=before + control + after)
    with pytest.raises(ValueError, match="control characters"):
        composed(to=before + control + after)


def test_replies_go_to_the_address_of_the_setting() -> None:
    mail = Email(new_id(), "anna@example.com", "Paid", "", "", NOON)
    message = parsed(compose(mail, SENDER, "shop.example.com", "Помощь <help@example.com>"))
    assert (message["From"], message["Reply-To"]) == (SENDER, "Помощь <help@example.com>")
    assert message.keys() == [*HEADERS[:3], "Reply-To", *HEADERS[3:]]


def test_a_recipient_outside_ascii_is_encoded() -> None:
    assert b"\r\nTo: =?utf-8?b?0LDQvdC90LBAZXhhbXBsZS5jb20=?=\r\n" in composed(to="анна@example.com")


def test_an_ip_address_is_bracketed() -> None:
    assert [bracketed(host) for host in ("example.org", "127.0.0.1", "::1")] == [
        "example.org",
        "[127.0.0.1]",
        "[IPv6:::1]",
    ]
