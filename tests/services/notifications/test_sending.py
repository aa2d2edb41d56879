"""Sending for a caller: what is refused, what is answered, what is shown later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from services.clock import new_id
from services.errors import IdempotencyKeyReused, Invalid, NotFound
from services.idempotency import Idempotent
from services.notifications.service import NotificationService
from services.notifications.status import Channel, NotificationStatus
from services.notifications.views import DispatchResult, NotificationView
from tests.services.notifications.conftest import Rows
from tests.services.notifications.doubles import NOON, Outbox

ORDER = "01934f2e-8a7b-7c3d-9e21-5a6c9f3a21c4"
VARIABLES = {"firstName": "Анна", "orderId": ORDER, "totalAmount": "1999.00", "currency": "RUB"}


def send(service: NotificationService, **given: Any) -> NotificationView:
    plain: dict[str, Any] = {
        "channel": "email",
        "to": "anna@example.com",
        "template": "order_paid",
        "variables": VARIABLES,
    }
    return service.send(**(plain | given))


def test_a_message_is_queued_and_shown(service: NotificationService, rows: Rows) -> None:
    view = send(service)
    assert view == NotificationView(
        id=view.id,
        status=NotificationStatus.QUEUED,
        channel=Channel.EMAIL,
        to_masked="a***@e***",
        template="order_paid",
        created_at=NOON,
        error_message=None,
    )
    assert [(row.key, row.order_id) for row in rows()] == [(f"send:{view.id}", None)]
    assert service.dispatch() == DispatchResult(sent=1)
    assert service.get(view.id).status is NotificationStatus.SENT


@pytest.mark.parametrize(
    ("channel", "to", "masked"),
    [("email", "anna@example.com", "a***@e***"), ("email", "a@b.ru", "a***@b***"), ("sms", "+79991234567", "+7***67")],
)
def test_T110_the_recipient_is_masked(service: NotificationService, channel: str, to: str, masked: str) -> None:
    assert service.get(send(service, channel=channel, to=to).id).to_masked == masked


def test_T110_an_unknown_notification_is_not_found(service: NotificationService) -> None:
    with pytest.raises(NotFound):
        service.get(new_id())


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
def test_T106_what_does_not_fit_is_refused(
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


def test_T108_the_same_key_is_the_same_notification(service: NotificationService, outbox: Outbox, rows: Rows) -> None:
    key = Idempotent.of("service:shop", "POST /notifications/send", "k1", VARIABLES)
    first, again = send(service, idempotent=key), send(service, idempotent=key)
    assert service.dispatch() == DispatchResult(sent=1)
    later = send(service, idempotent=key)
    assert [first.replayed, again.replayed, later.replayed] == [False, True, True]
    assert {first.id, again.id, later.id} == {rows()[0].id}
    assert later.status is NotificationStatus.SENT
    assert len(outbox.mails) == 1
    with pytest.raises(IdempotencyKeyReused):
        send(service, idempotent=Idempotent.of("service:shop", "POST /notifications/send", "k1", {}))


def test_the_language_is_russian_unless_it_is_english(service: NotificationService, outbox: Outbox) -> None:
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


def test_every_id_is_new(service: NotificationService) -> None:
    ids: set[UUID] = {send(service).id for _ in range(3)}
    assert len(ids) == 3
