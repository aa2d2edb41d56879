"""Bounds of the OpenAPI document: added where a model declares none, kept where it does."""

from __future__ import annotations

from typing import Any

import pytest

from api.docs.openapi_bounds import bound, complete, complete_parameters


@pytest.mark.parametrize(
    ("schema", "bounds"),
    [
        ({"type": "string"}, {"pattern": "^[^\\u0000]*$", "maxLength": 65_536}),
        ({"type": "string", "format": "uuid"}, {"format": "uuid", "minLength": 36, "maxLength": 36}),
        ({"type": "string", "pattern": "^a$"}, {"pattern": "^a$", "maxLength": 65_536}),
        ({"type": "string", "maxLength": 5}, {"pattern": "^[^\\u0000]*$", "maxLength": 5}),
        ({"type": "string", "enum": ["a"]}, {"enum": ["a"]}),
        ({"type": "integer"}, {"format": "int64", "minimum": 0, "maximum": 2**53 - 1}),
        ({"type": "integer", "ge": 1, "le": 9}, {"format": "int64", "minimum": 1, "maximum": 9}),
        ({"type": "array", "items": {"type": "boolean"}}, {"items": {"type": "boolean"}, "maxItems": 500}),
        ({"type": "boolean"}, {}),
    ],
)
def test_a_schema_is_bounded(schema: dict[str, Any], bounds: dict[str, Any]) -> None:
    kind = schema["type"]
    bound(schema, "anything", {})
    assert schema == {"type": kind} | bounds


def test_schemas_inside_are_bounded() -> None:
    schema: dict[str, Any] = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}
    bound(schema, "anything", {})
    assert schema["anyOf"][0]["items"]["maxLength"] == 65_536


def test_members_are_bounded_by_name_and_nullable_ones_have_two_types() -> None:
    schemas: dict[str, Any] = {
        "OrderPage": {
            "type": "object",
            "properties": {
                "items": {"type": "array", "items": {"type": "boolean"}, "title": "Items"},
                "price": {"type": "string"},
                "nextCursor": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
        }
    }

    complete(schemas)

    members = schemas["OrderPage"]["properties"]
    assert members["items"] == {"type": "array", "items": {"type": "boolean"}, "maxItems": 100}
    assert members["price"]["maxLength"] == 18
    assert members["nextCursor"] == {"type": ["string", "null"], "pattern": "^[A-Za-z0-9_-]*$", "maxLength": 200}


def test_an_optional_parameter_is_left_out_and_never_null() -> None:
    schema = {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Cursor"}
    described = {"parameters": [{"name": "cursor", "schema": schema}]}

    complete_parameters(described)

    assert described["parameters"][0]["schema"] == {"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "maxLength": 200}
