"""Checks what a caller of `POST /notifications/send` asks for, before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from services.errors import Invalid
from services.notifications.recipients import checked_recipient
from services.notifications.rendering import Templates
from services.notifications.status import Channel
from services.notifications.template_registry import VARIABLES, supported_language
from services.notifications.views import NewMessage

#: Characters of one variable.
MAX_VALUE = 500
# C0, DEL, C1, line and paragraph separators, and what turns the direction of writing around.
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
    """The message to queue. Raises Invalid with the pointer of the first member that is wrong."""
    if channel not in list(Channel):
        raise Invalid(f"'channel' must be one of: {', '.join(Channel)}.", pointer="/channel")
    if template not in VARIABLES:
        raise Invalid(f"'template' must be one of: {', '.join(VARIABLES)}.", pointer="/template")
    recipient = checked_recipient(Channel(channel), to)
    _check_names(VARIABLES[template], variables)
    _check_values(variables)
    written = supported_language(language)
    _check_rendering(templates, template, written, variables)
    return NewMessage(f"send:{notification_id}", Channel(channel), recipient, template, written, dict(variables))


def _check_names(declared: frozenset[str], variables: Mapping[str, str]) -> None:
    if missing := sorted(declared - variables.keys()):
        raise Invalid(f"Variables are missing: {', '.join(missing)}.", pointer=f"/variables/{missing[0]}")
    if variables.keys() - declared:
        # the names are the caller's words: not echoed
        raise Invalid(f"Only these variables are known: {', '.join(sorted(declared))}.", pointer="/variables")


def _check_values(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        if len(value) > MAX_VALUE:
            raise Invalid(f"A variable may have {MAX_VALUE} characters at most.", pointer=f"/variables/{name}")
        if _CONTROL.search(value):
            raise Invalid("A variable may have no control characters.", pointer=f"/variables/{name}")


def _check_rendering(templates: Templates, template: str, language: str, variables: Mapping[str, str]) -> None:
    try:
        templates.email(template, language, variables)
        templates.sms(template, language, variables)
    except ValueError as error:
        raise Invalid("An order id, amount or currency among the variables is none.", pointer="/variables") from error
