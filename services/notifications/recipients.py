"""Validates and masks recipients."""

from __future__ import annotations

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from services.errors import Invalid
from services.masking import masked_email, masked_phone
from services.notifications.status import NotificationChannel

#: Characters. A longer recipient is refused without parsing, which bounds the time of a check (ABUSE T119).
MAX_LENGTH = 254
# The owner of such a number is paid for every SMS to it: SMS pumping (ABUSE T09).
_COSTLY = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN})


def checked_recipient(channel: NotificationChannel, to: str) -> str:
    """The recipient in canonical form. Raises Invalid at `/to` when it is not one address of the channel's kind."""
    if len(to) > MAX_LENGTH:
        raise _invalid(channel)
    return _address(to) if channel is NotificationChannel.EMAIL else _number(to)


def masked_recipient(channel: NotificationChannel, to: str) -> str:
    """The recipient as others may see it."""
    return masked_phone(to) if channel is NotificationChannel.SMS else masked_email(to)


def _address(to: str) -> str:
    try:
        found = validate_email(to, check_deliverability=False)
    except EmailNotValidError as error:
        raise _invalid(NotificationChannel.EMAIL) from error
    return found.ascii_email or found.normalized


def _number(to: str) -> str:
    try:
        number = phonenumbers.parse(to, None)
    except NumberParseException as error:
        raise _invalid(NotificationChannel.SMS) from error
    exact = phonenumbers.format_number(number, PhoneNumberFormat.E164) == to
    if not exact or not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) in _COSTLY:
        raise _invalid(NotificationChannel.SMS)
    return to


def _invalid(channel: NotificationChannel) -> Invalid:
    expected = (
        "one e-mail address" if channel is NotificationChannel.EMAIL else "one phone number in E.164, like +79991234567"
    )
    return Invalid(f"For the channel {channel}, 'to' must be {expected}.", pointer="/to")
