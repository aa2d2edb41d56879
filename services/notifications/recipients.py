"""Who a message may go to, and how a recipient is shown to those who need not know it."""

from __future__ import annotations

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from services.errors import Invalid
from services.notifications.status import Channel

#: Longer ones are refused unread, which also bounds the time that a check can take (ABUSE T119).
MAX_LENGTH = 254
# A text to these earns somebody money: SMS pumping (ABUSE T09).
_COSTLY = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN})


def checked_recipient(channel: Channel, to: str) -> str:
    """The one recipient in the form that is sent to. Raises Invalid at `/to` when it does not fit the channel."""
    if len(to) > MAX_LENGTH:
        raise _does_not_fit(channel)
    return _address(to) if channel is Channel.EMAIL else _number(to)


def masked_recipient(channel: Channel, to: str) -> str:
    """`a***@e***` for an e-mail address, the country's digit and the last two for a phone: `+7***67`."""
    if channel is Channel.SMS:
        return f"{to[:2]}***{to[-2:]}"
    local, _, domain = to.rpartition("@")
    return f"{local[:1]}***@{domain[:1]}***"


def _address(to: str) -> str:
    try:
        found = validate_email(to, check_deliverability=False)
    except EmailNotValidError as error:
        raise _does_not_fit(Channel.EMAIL) from error
    return found.ascii_email or found.normalized


def _number(to: str) -> str:
    try:
        number = phonenumbers.parse(to, None)
    except NumberParseException as error:
        raise _does_not_fit(Channel.SMS) from error
    exact = phonenumbers.format_number(number, PhoneNumberFormat.E164) == to
    if not exact or not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) in _COSTLY:
        raise _does_not_fit(Channel.SMS)
    return to


def _does_not_fit(channel: Channel) -> Invalid:
    wanted = "one e-mail address" if channel is Channel.EMAIL else "one phone number in E.164, like +79991234567"
    return Invalid(f"For the channel {channel}, 'to' must be {wanted}.", pointer="/to")
