"""Validation of `POST /notifications/send`: channel, template, recipient, variables, language."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from services.errors import Invalid
from services.notifications.service import NotificationService
from tests.services.notifications.conftest import (
    VARIABLES,
    Rows,
    send,
)
from tests.services.notifications.doubles import Outbox


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"channel": "pigeon"}, "/channel"),
        ({"template": "order_lost"}, "/template"),
        ({"template": "../order_paid"}, "/template"),
        ({"to": "+79991234567"}, "/to"),
        ({"to": "anna"}, "/to"),
        ({"to": "anna@example.com,boris@example.com"}, "/to"),
        ({"to": "anna@example.com; boris@example.com"}, "/to"),
        ({"to": "anna@example.com\r\nBcc: boris@example.com"}, "/to"),
        ({"to": "Anna <anna@example.com>"}, "/to"),
        ({"to": "a" * 300 + "@example.com"}, "/to"),
        ({"channel": "sms", "to": "anna@example.com"}, "/to"),
        ({"channel": "sms", "to": "89991234567"}, "/to"),
        ({"channel": "sms", "to": "+7999765432"}, "/to"),
        ({"channel": "sms", "to": "+7 999 123-45-67"}, "/to"),
        ({"channel": "sms", "to": "+79991234567,+79991234568"}, "/to"),
        ({"channel": "sms", "to": "+79991234567\r\n"}, "/to"),
        ({"channel": "sms", "to": "+78091234567"}, "/to"),
    ],
)
def test_T106_an_invalid_request_is_refused(
    service: NotificationService, rows: Rows, given: Mapping[str, str], pointer: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        send(service, **given)
    assert refusal.value.pointer == pointer
    assert [*given.values()][-1] not in refusal.value.detail
    assert rows() == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"firstName": None}, "/variables/firstName"),
        ({"reason": "out_of_stock"}, "/variables"),
        ({"firstName": "А" * 501}, "/variables/firstName"),
        ({"firstName": "Анна\r\nBcc: boris@example.com"}, "/variables/firstName"),
        ({"firstName": "Анна\u202e"}, "/variables/firstName"),
        ({"firstName": "Анна, evil.example"}, "/variables/firstName"),
        ({"orderId": "17"}, "/variables"),
        ({"totalAmount": "1999.001"}, "/variables"),
        ({"totalAmount": "many"}, "/variables"),
        ({"currency": "XXZ"}, "/variables"),
    ],
)
def test_T107_variables_are_checked(
    service: NotificationService, rows: Rows, change: Mapping[str, str | None], pointer: str
) -> None:
    variables = {name: value for name, value in {**VARIABLES, **change}.items() if value is not None}
    with pytest.raises(Invalid) as refusal:
        send(service, variables=variables)
    assert refusal.value.pointer == pointer
    assert rows() == []


def test_T107_template_syntax_and_html_are_literal_text(service: NotificationService, outbox: Outbox) -> None:
    send(service, variables={**VARIABLES, "firstName": "{{7*7}} <img src=x onerror=alert(1)>"})
    service.dispatch()
    mail = outbox.mails[0]
    assert "Здравствуйте, {{7*7}} <img src=x onerror=alert(1)>!" in mail.text
    assert "Здравствуйте, {{7*7}} &lt;img src=x onerror=alert(1)&gt;!" in mail.html
    assert "49" not in mail.subject + mail.text + mail.html.partition("<body>")[2]


def test_the_language_is_russian_unless_english_is_requested(service: NotificationService, outbox: Outbox) -> None:
    for language in ("en", "en-GB", "ru", "fr"):
        send(service, language=language)
    service.dispatch(workers=1)
    assert [mail.subject for mail in outbox.mails] == ["Order 9F3A-21C4 paid"] * 2 + ["Заказ 9F3A-21C4 оплачен"] * 2


def test_T119_hostile_recipients_are_refused_at_once(service: NotificationService) -> None:
    hostile = ["a@" + "a." * 50_000, '"' * 100_000, "\u0301" * 100_000 + "@example.com"]
    for channel, to in [*(("email", to) for to in hostile), ("sms", "+" + "7" * 100_000)]:
        began = time.thread_time()
        with pytest.raises(Invalid):
            send(service, channel=channel, to=to)
        assert time.thread_time() - began < 0.05
