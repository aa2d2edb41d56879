"""Recipients: one address of the channel's kind, in canonical form, masked where it is shown."""

from __future__ import annotations

import pytest

from services.errors import Invalid
from services.notifications.recipients import MAX_LENGTH, checked_recipient, masked_recipient
from services.notifications.status import NotificationChannel

EMAIL, SMS = NotificationChannel.EMAIL, NotificationChannel.SMS


def test_a_recipient_in_canonical_form() -> None:
    assert checked_recipient(EMAIL, "Anna@EXAMPLE.org") == "Anna@example.org"
    assert checked_recipient(EMAIL, "anna@пример.рф") == "anna@xn--e1afmkfd.xn--p1ai"
    assert checked_recipient(SMS, "+79991234567") == "+79991234567"


@pytest.mark.parametrize(
    ("channel", "to"),
    [
        (EMAIL, "anna"),
        (EMAIL, "anna@example.org, boris@example.org"),
        (EMAIL, "Anna <anna@example.org>"),
        (EMAIL, "a@example.org\r\nBcc: b@example.org"),
        (EMAIL, "a" * MAX_LENGTH + "@example.org"),
        (EMAIL, "+79991234567"),
        (SMS, "89991234567"),
        (SMS, "+7 999 123-45-67"),
        (SMS, "+7999"),
        (SMS, "anna@example.org"),
    ],
)
def test_another_kind_of_recipient_is_refused(channel: NotificationChannel, to: str) -> None:
    with pytest.raises(Invalid) as raised:
        checked_recipient(channel, to)
    assert raised.value.pointer == "/to"


def test_T09_a_premium_rate_number_is_refused() -> None:
    with pytest.raises(Invalid):
        checked_recipient(SMS, "+78091234567")


def test_a_masked_recipient_names_nobody() -> None:
    assert masked_recipient(EMAIL, "anna@example.org") == "a***@e***"
    assert masked_recipient(SMS, "+79991234567") == "+7***67"
