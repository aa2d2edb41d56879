"""Validates a request of `POST /notifications/send` before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from services.errors import Invalid
from services.links import has_link
from services.notifications.recipients import checked_recipient
from services.notifications.rendering import Templates
from services.notifications.status import NotificationChannel
from services.notifications.template_registry import VARIABLES, supported_language
from services.notifications.views import NewMessage

#: Most characters of one variable.
MAX_VALUE = 500
# C0, DEL, C1, line and paragraph separators, and bidirectional formatting characters.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def checked_message(
    notification_id: UUID,
    channel: str,
    to: str,
    template: str,
    variables: Mapping[str, str],
    language: str,
    templates: Templates,
) -> NewMessage:
    """The message to queue. Raises Invalid with the pointer of the first member that is not valid."""
    if channel not in list(NotificationChannel):
        raise Invalid(f"'channel' must be one of: {', '.join(NotificationChannel)}.", pointer="/channel")
    if template not in VARIABLES:
        raise Invalid(f"'template' must be one of: {', '.join(VARIABLES)}.", pointer="/template")
    recipient = checked_recipient(NotificationChannel(channel), to)
    _check_names(VARIABLES[template], variables)
    _check_values(variables)
    language = supported_language(language)
    _check_rendering(templates, template, language, variables)
    return NewMessage(
        f"send:{notification_id}", NotificationChannel(channel), recipient, template, language, dict(variables)
    )


def _check_names(declared: frozenset[str], variables: Mapping[str, str]) -> None:
    if missing := sorted(declared - variables.keys()):
        raise Invalid(f"Variables are missing: {', '.join(missing)}.", pointer=f"/variables/{missing[0]}")
    if variables.keys() - declared:
        # Unknown names are input of the caller and are not repeated in the answer.
        raise Invalid(f"This template has only these variables: {', '.join(sorted(declared))}.", pointer="/variables")


def _check_values(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        if len(value) > MAX_VALUE:
            raise Invalid(f"A variable can have at most {MAX_VALUE} characters.", pointer=f"/variables/{name}")
        if _CONTROL.search(value):
            raise Invalid("A variable cannot contain control characters.", pointer=f"/variables/{name}")
        if has_link(value):
            raise Invalid("A variable cannot contain an address, a domain or an @.", pointer=f"/variables/{name}")


def _check_rendering(templates: Templates, template: str, language: str, variables: Mapping[str, str]) -> None:
    try:
        templates.email(template, language, variables)
        templates.sms(template, language, variables)
    except ValueError as error:
        raise Invalid("An order id, amount or currency in the variables is not valid.", pointer="/variables") from error
