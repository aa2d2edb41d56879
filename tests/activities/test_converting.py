"""Conversion of messages: the bytes, the values and the errors of the SDK's default data converter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Optional
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, DefaultPayloadConverter, JSONTypeConverter

from activities.converting import DATA_CONVERTER, PLANNED, MessageConverter
from services.money import Money
from services.orders.status import OrderStatus
from tests.activities.test_messages import MESSAGES

SDK = DataConverter.default.payload_converter
OURS = DATA_CONVERTER.payload_converter


@dataclass
class Everything:
    """A dataclass with fields as no message has them today."""

    money: Money
    moments: list[datetime]
    statuses: tuple[OrderStatus, ...]
    maybe: Optional[Money] = None  # noqa: UP045 - the older spelling of an optional type is read too
    either: int | str | None = None
    by_name: dict[str, Money] = field(default_factory=dict)
    kept: list[int] = field(init=False, default_factory=list)


@dataclass
class OnlyDefaults:
    """A dataclass that can be made from nothing."""

    quantity: int = 1


KINDS: list[type[Any]] = [*MESSAGES, Everything, OnlyDefaults]
of_any_kind = st.sampled_from(KINDS).flatmap(st.from_type)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.uuids().map(str)
json_values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(), scalars, max_size=2)


def decoded(converter: Any, payload: Payload, kind: type[Any]) -> list[str]:
    """The value with the types of its fields (1, 1.0 and True differ), or the errors, innermost last."""
    try:
        return [repr(converter.from_payload(payload, kind))]
    except Exception as error:
        return [*_chain(error)]


def _chain(error: BaseException | None) -> Sequence[str]:
    return [f"{type(error).__name__}: {error}", *_chain(error.__cause__)] if error else []


@given(of_any_kind)
def test_the_bytes_and_the_decoded_value_are_those_of_the_sdk(value: object) -> None:
    payload = SDK.to_payload(value)
    assert OURS.to_payload(value) == payload
    assert decoded(OURS, payload, type(value)) == decoded(SDK, payload, type(value))


@given(of_any_kind, st.data())
def test_missing_unknown_and_wrong_fields_are_treated_as_by_the_sdk(value: Any, data: st.DataObject) -> None:
    written = json.loads(SDK.to_payload(value).data)
    names = [each.name for each in fields(value)]
    missing = data.draw(st.sets(st.sampled_from(names), max_size=2))
    others = data.draw(st.dictionaries(st.sampled_from([*names, "unknown"]), json_values, max_size=2))
    changed = {name: each for name, each in written.items() if name not in missing} | others
    payload = SDK.to_payload(changed)
    assert decoded(OURS, payload, type(value)) == decoded(SDK, payload, type(value))


@given(json_values, st.sampled_from([*KINDS, UUID, OrderStatus, list[Money], int, Any]))
def test_values_that_are_no_dataclass_are_treated_as_by_the_sdk(value: object, kind: Any) -> None:
    payload = SDK.to_payload(value)
    assert OURS.to_payload(value) == payload
    assert decoded(OURS, payload, kind) == decoded(SDK, payload, kind)


@given(st.sampled_from(MESSAGES).flatmap(st.from_type))
def test_every_message_is_decoded_by_its_plan(message: object) -> None:
    value = json.loads(SDK.to_payload(message).data)
    assert type(PLANNED.to_typed_value(type(message), value)) is type(message)


def test_missing_and_unknown_fields_are_decoded_by_the_plan_too() -> None:
    assert PLANNED.to_typed_value(OnlyDefaults, {"unknown": 7}) == OnlyDefaults(1)


@pytest.mark.parametrize("value", [[], {"total_minor": "ten"}])
def test_what_a_plan_does_not_fit_is_left_to_the_sdk(value: object) -> None:
    assert PLANNED.to_typed_value(MESSAGES[0], value) is JSONTypeConverter.Unhandled


def test_the_converters_of_the_sdk_are_tried_in_its_order() -> None:
    assert [*MessageConverter().converters] == [*DefaultPayloadConverter().converters]
