"""Messages of order events: their keys, channels and variables."""

from __future__ import annotations

import pytest

from services.clock import new_id
from services.notifications.service import NotificationService
from tests.services.notifications.conftest import (
    Rows,
    a_notification,
)
from tests.services.notifications.doubles import Outbox

PHONE = "+79991234567"


def test_keys_name_order_event_and_channel(service: NotificationService, rows: Rows) -> None:
    order_id = new_id()
    service.queue_order_notifications(
        [a_notification("paid", order_id=order_id, phones=["+79991234567", "+79997654321"])]
    )
    start = f"notify:{order_id}:paid"
    assert [row.key for row in rows()] == [f"{start}:email", f"{start}:sms", f"{start}:sms:order"]
    assert {row.order_id for row in rows()} == {order_id}


def test_a_buyer_without_an_email_gets_only_sms(service: NotificationService, rows: Rows) -> None:
    assert service.queue_order_notifications([a_notification(email=None, phones=["+79991234567"])]) == 1
    assert [row.channel for row in rows()] == ["sms"]


def test_without_an_address_nothing_is_queued(service: NotificationService, rows: Rows) -> None:
    assert service.queue([]) == []
    assert service.queue_order_notifications([a_notification(email=None)]) == 0
    assert rows() == []


@pytest.mark.parametrize(("seconds", "said"), [(900, "15 minutes"), (119, "1 minute"), (45, "1 minute")])
def test_a_new_order_that_is_not_paid_says_how_long_there_is(
    service: NotificationService, outbox: Outbox, seconds: int, said: str
) -> None:
    service.queue_order_notifications([a_notification(pay_within=seconds, language="en")])
    service.dispatch()
    (mail,) = outbox.mails
    assert f"Please pay for it within {said}, or it will be cancelled." in mail.text


def test_a_cancellation_states_its_reason(service: NotificationService, outbox: Outbox) -> None:
    phones = {"email": None, "phones": [PHONE]}
    service.queue_order_notifications([a_notification("cancelled", reason="payment_declined", **phones)])
    service.queue_order_notifications([a_notification("cancelled", **phones)])
    service.dispatch(workers=1)
    assert [sms.body.partition(": ")[2] for sms in outbox.texts] == ["оплата не прошла.", "сбой на нашей стороне."]


def test_T134_a_name_with_a_link_from_before_it_was_refused_is_left_out(
    service: NotificationService, outbox: Outbox
) -> None:
    service.queue_order_notifications([a_notification(first_name="Win at evil.example")])
    service.dispatch()
    (mail,) = outbox.mails
    assert "evil" not in mail.text + mail.html + mail.subject
    assert mail.text.startswith("Здравствуйте!")
