"""Bounds in the OpenAPI document for fields whose model declares none: lengths, numbers of items, patterns.

Each holds by what the services store and generate. Bounds that a model declares are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

MAX_BODY = 64 * 1024
#: PostgreSQL's text holds every character but U+0000; values that contain it are refused.
TEXT = "^[^\\u0000]*$"
_DECIMAL = r"^[0-9]{1,13}(\.[0-9]{1,4})?$"
_LONGEST_INTEGER = 2**53 - 1

_ID = {"format": "uuid", "minLength": 36, "maxLength": 36}
_MOMENT = {"format": "date-time", "minLength": 20, "maxLength": 32}
_MONEY = {"pattern": _DECIMAL, "maxLength": 18}
_NAME = {"pattern": TEXT, "maxLength": 100}
_LINE = {"pattern": TEXT, "maxLength": 200}
_WORD = {"pattern": "^[a-z]+(_[a-z]+)*$", "maxLength": 40}
_TOKEN = {"pattern": "^[A-Za-z0-9_.-]+$", "maxLength": 8192}
_CURSOR = {"pattern": "^[A-Za-z0-9_-]*$", "maxLength": 200}

#: By format, in requests and responses.
_FORMATS: Mapping[str, Schema] = {"uuid": _ID, "date-time": _MOMENT}
#: In requests, by the name of the member or parameter.
_ASKED: Mapping[str, Schema] = {
    "Idempotency-Key": {"pattern": "^[!-~]{1,255}$", "maxLength": 255},
    "currency": {"pattern": "^[A-Z]{3}$", "maxLength": 3},
    "cursor": _CURSOR,
    "gateway": {"pattern": "^[a-z]{1,32}$", "maxLength": 32},
    "webhook-id": {"pattern": "^[!-~]+$", "maxLength": 255},
    "webhook-timestamp": {"pattern": "^[0-9]{1,12}$", "maxLength": 12},
}
#: In answers, by the name of the member.
_ANSWERED: Mapping[str, Schema] = {
    **dict.fromkeys(
        ("at", "createdAt", "updatedAt", "expiresAt", "lastUsedAt", "checkedAt", "since", "nextTry"), _MOMENT
    ),
    **dict.fromkeys(("disabledAt", "failingSince", "previousSecretUntil", "nextAttemptAt"), _MOMENT),
    **dict.fromkeys(("price", "amount", "totalAmount", "captured", "refunded"), _MONEY),
    "template": _WORD,
    **dict.fromkeys(("accessToken", "refreshToken", "kid", "x"), _TOKEN),
    **dict.fromkeys(("firstName", "lastName"), _NAME),
    **dict.fromkeys(("region", "city", "street", "postalCode"), _LINE),
    "currency": {"pattern": "^[A-Z]{3}$", "minLength": 3, "maxLength": 3},
    "country": {"pattern": "^[A-Z]{2}$", "minLength": 2, "maxLength": 2},
    "email": {"format": "email", "maxLength": 320},
    "phone": {"pattern": r"^\+[0-9]{7,15}$", "maxLength": 16},
    "nextCursor": _CURSOR,
    "confirmationUrl": {"format": "uri", "maxLength": 2048},
    "url": {"format": "uri", "maxLength": 1024},
}
_OTHER = {"pattern": TEXT, "maxLength": MAX_BODY}
_INTEGERS: Mapping[str, Schema] = {
    "status": {"format": "int32", "minimum": 400, "maximum": 599},
    "expiresIn": {"format": "int32", "minimum": 1, "maximum": 86_400},
    "attempt": {"format": "int32", "minimum": 1, "maximum": 1000},
}
_INTEGER = {"format": "int64", "minimum": 0, "maximum": _LONGEST_INTEGER}
#: In requests whose model sets no bound: what `fields.Integer` accepts.
_ANY_INTEGER = {"format": "int64", "minimum": -(10**18) + 1, "maximum": 10**18 - 1}
#: Items of arrays in answers, by the member's name: a page's, and an order's lines.
_MOST = 500
_MOST_ON_A_PAGE = 100
_SPELLED = {"ge": "minimum", "le": "maximum"}


def complete(schemas: Mapping[str, Schema]) -> None:
    """Bound every schema of the components."""
    for name, schema in schemas.items():
        # Only bodies refuse unknown members.
        asked = schema.get("additionalProperties") is False
        most = _MOST_ON_A_PAGE if name.endswith("Page") else _MOST
        for member, inner in schema.get("properties", {}).items():
            inner.pop("title", None)
            bound(inner, member, _ASKED if asked else _ANSWERED, most)
            _unite_null(inner)
        bound({key: value for key, value in schema.items() if key != "properties"}, name, {}, most)


def complete_parameters(described: Mapping[str, Any]) -> None:
    """Bound every parameter of an operation."""
    for parameter in described.get("parameters", ()):
        schema = parameter["schema"]
        for noise in ("title", "description"):
            schema.pop(noise, None)
        parameter["schema"] = _present(schema)
        bound(parameter["schema"], parameter["name"], _ASKED, _MOST_ON_A_PAGE)


def bound(schema: Schema, name: str, known: Mapping[str, Schema], most: int = _MOST) -> None:
    """Bound one schema and the schemas inside it; `name` is the member that has it."""
    for part in _parts(schema):
        bound(part, name, known, most)
    for written, meant in _SPELLED.items():
        if written in schema:
            schema[meant] = schema.pop(written)
    match schema.get("type"):
        case "string" if not {"enum", "const"} & schema.keys():
            _fill(schema, _string(schema, name, known))
        case "integer":
            _fill(schema, _ANY_INTEGER if known is _ASKED else _INTEGERS.get(name, _INTEGER))
        case "array":
            schema.setdefault("maxItems", most)


def _string(schema: Schema, name: str, known: Mapping[str, Schema]) -> Schema:
    if "format" in schema:
        return _FORMATS.get(schema["format"], {"maxLength": MAX_BODY})
    if "pattern" in schema:
        return {"maxLength": known.get(name, _OTHER)["maxLength"]}
    return known.get(name, _OTHER)


def _fill(schema: Schema, facts: Schema) -> None:
    for key, value in facts.items():
        schema.setdefault(key, value)


def _parts(schema: Schema) -> Iterator[Schema]:
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from schema.get(key, ())
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield schema[key]


def _present(schema: Schema) -> Schema:
    """A parameter's schema without `null`: an optional parameter is left out, and a URL cannot carry null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) != 1:
        return schema
    present: Schema = choices[0]
    return {key: value for key, value in schema.items() if key != "anyOf"} | present


def _unite_null(schema: Schema) -> None:
    """`string or null` as one schema with two types: generators make a class of a part of `anyOf` that has bounds."""
    match schema.get("anyOf"):
        case [{"type": str(type_)} as present, {"type": "null"}] if "enum" not in present:
            del schema["anyOf"]
            schema |= present | {"type": [type_, "null"]}
