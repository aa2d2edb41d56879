"""How values become payloads: as the SDK's default data converter does it, faster for dataclasses.

The SDK evaluates the annotations of a dataclass for every value that it decodes, and copies every value that it
encodes. Here the fields of a class are read once. The bytes are the same, so other clients and stored histories need
no change; whatever is not decoded here is decoded by the SDK, which also raises the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from functools import lru_cache, partial
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from temporalio.converter import (
    AdvancedJSONEncoder,
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    value_to_type,
)

#: Classes whose plans are kept; the sandbox may define the classes of a workflow's file again for each workflow.
PLANS = 256

Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class _Plan:
    """How to make a value of one dataclass: the reader of each field."""

    kind: type[Any]
    readers: tuple[tuple[str, Reader], ...]

    def read(self, value: Mapping[str, Any]) -> Any:
        """Unknown fields are ignored; missing fields take their defaults. Raises what a reader or the class raises."""
        return self.kind(**{name: read(value[name]) for name, read in self.readers if name in value})


@lru_cache(PLANS)
def _plan(kind: type[Any]) -> _Plan:
    hints = get_type_hints(kind)
    return _Plan(kind, tuple((field.name, _reader(hints[field.name])) for field in fields(kind)))


@lru_cache(PLANS)
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _reader(hint: Any) -> Reader:
    if hint in (str, int, bool):
        return partial(_exactly, hint)
    if hint is float:
        return _float
    if hint is UUID:
        return UUID
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {member.value: member for member in hint}.__getitem__
    if get_origin(hint) in (Union, UnionType) and len(get_args(hint)) == 2 and NoneType in get_args(hint):
        (some,) = (each for each in get_args(hint) if each is not NoneType)
        return partial(_optional, _reader(some))
    return partial(value_to_type, hint, custom_converters=[PLANNED])


def _exactly(kind: type[Any], value: Any) -> Any:
    if value.__class__ is kind:
        return value
    raise TypeError(kind)


def _float(value: Any) -> float:
    # JSON has one kind of number: a whole float may have been written as an integer.
    return value if value.__class__ is float else float(_exactly(int, value))


def _optional(read: Reader, value: Any) -> Any:
    return None if value is None else read(value)


class PlannedDataclasses(JSONTypeConverter):
    """Decodes dataclasses by their plans."""

    def to_typed_value(self, hint: type, value: Any) -> Any:
        """The value as an instance of the dataclass; Unhandled for other types, and for a value that does not fit."""
        if value.__class__ is not dict or not is_dataclass(hint):
            return self.Unhandled
        try:
            return _plan(hint).read(value)
        except Exception:  # the SDK decodes the value again, and raises its own error
            return self.Unhandled


class ShallowEncoder(AdvancedJSONEncoder):
    """Encodes a dataclass without copying the values of its fields."""

    def default(self, o: Any) -> Any:
        """What is written for a value that JSON does not have."""
        if isinstance(o, UUID):
            return str(o)
        if is_dataclass(o) and not isinstance(o, type):
            return {name: getattr(o, name) for name in _names(type(o))}
        return super().default(o)


PLANNED = PlannedDataclasses()
_JSON = JSONPlainPayloadConverter(encoder=ShallowEncoder, custom_type_converters=[PLANNED])
_CONVERTERS = [
    _JSON if each.encoding == _JSON.encoding else each
    for each in DefaultPayloadConverter.default_encoding_payload_converters
]


class MessageConverter(CompositePayloadConverter):
    """The SDK's payload converters, of which the one for JSON is replaced."""

    def __init__(self) -> None:
        """The SDK makes one for each workflow, so the parts are made only once."""
        super().__init__(*_CONVERTERS)


#: What every client of the project connects with.
DATA_CONVERTER = replace(DataConverter.default, payload_converter_class=MessageConverter)
