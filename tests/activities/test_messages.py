"""Messages: each survives Temporal's converter, and none has a field for personal data."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.converter import DataConverter

from activities import messages

MESSAGES: list[type[Any]] = [
    each for each in vars(messages).values() if isinstance(each, type) and dataclasses.is_dataclass(each)
]
PERSONAL = ("address", "card", "city", "email", "name", "phone", "street", "token")


def example(field: dataclasses.Field[Any]) -> object:
    """A value of the field's type."""
    kind = str(field.type)
    if field.type is UUID or "UUID" in kind:
        return uuid4()
    if isinstance(field.type, type) and issubclass(field.type, StrEnum):
        return next(iter(field.type))
    values: dict[object, object] = {str: "text", int: 3, float: 1.5, bool: True}
    return values.get(field.type)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
async def test_a_message_is_decoded_as_it_was_sent(message: type[Any]) -> None:
    sent = message(**{field.name: example(field) for field in dataclasses.fields(message)})
    converter = DataConverter.default
    assert await converter.decode(await converter.encode([sent]), [message]) == [sent]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_I10_no_message_has_a_field_for_personal_data(message: type[Any]) -> None:
    names = [field.name for field in dataclasses.fields(message)]
    assert [name for name in names if any(word in name for word in PERSONAL)] == []


def test_every_message_is_frozen() -> None:
    assert len(MESSAGES) >= 20
    assert [each.__name__ for each in MESSAGES if not each.__dataclass_params__.frozen] == []


def test_no_message_has_annotations_that_are_evaluated_for_each_value() -> None:
    written = [(each.__name__, field.name, field.type) for each in MESSAGES for field in dataclasses.fields(each)]
    assert [annotation for annotation in written if isinstance(annotation[2], str)] == []
