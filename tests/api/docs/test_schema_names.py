"""Names in the OpenAPI document: generated code uses them as they are, in TypeScript and in Python."""

from __future__ import annotations

import builtins
import collections.abc
import re
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.openapi import document

#: Globals of browsers and of TypeScript's library that a schema is likely to be named after; tests/clients compares
#: the names with all of them.
GLOBALS = frozenset(
    {
        "Account", "Attr", "Body", "Cache", "Channel", "Client", "Comment", "Credential", "Document", "Element",
        "Event", "File", "History", "Image", "Item", "JsonWebKey", "Key", "Lock", "Location", "Map", "Message",
        "MessageChannel", "Money", "Node", "Notification", "Option", "Page", "PaymentAddress", "PaymentRequest",
        "PaymentResponse", "Permissions", "Plugin", "Process", "Promise", "Proxy", "PublicKeyCredential", "Range",
        "Record", "Report", "Request", "Response", "Screen", "Selection", "Set", "State", "Storage", "Symbol",
        "Text", "Token", "Touch", "URL", "User", "Window", "Worker",
    }
)  # fmt: skip
#: Names that mean nothing outside this document.
VAGUE = frozenset(
    {
        "Accepted", "Line", "Made", "Nothing", "Paid", "Price", "Reserved", "Resolved", "Result", "Stock", "Summary",
        "Taken",
    }
)  # fmt: skip
PYTHON = frozenset(dir(builtins)) | frozenset(typing.__all__) | frozenset(collections.abc.__all__)
#: Properties of responses that have a closed set of values.
ENUMERATED = ("status", "type", "method", "channel", "cancelReason", "step", "action")


@pytest.fixture(scope="module")
def schemas() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document()["components"]["schemas"]
    return found


def test_names_stand_alone_and_shadow_nothing(schemas: dict[str, dict[str, Any]]) -> None:
    assert schemas.keys() & (GLOBALS | VAGUE | PYTHON) == set()
    assert [name for name in schemas if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []


def test_every_schema_is_described(schemas: dict[str, dict[str, Any]]) -> None:
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []


def test_closed_sets_of_values_are_enums_in_responses(schemas: dict[str, dict[str, Any]]) -> None:
    for name, schema in schemas.items():
        for member, inner in schema.get("properties", {}).items():
            if member in ENUMERATED and (name, member) != ("Problem", "status"):
                assert all(_is_enumerated(schemas, one) for one in _choices(inner)), (name, member)


def test_no_enum_is_anonymous(schemas: dict[str, dict[str, Any]]) -> None:
    """A generator would invent a name for it: `Status1`, `Type`."""
    anonymous = [
        (name, member)
        for name, schema in schemas.items()
        for member, inner in schema.get("properties", {}).items()
        for choice in _choices(inner)
        if "enum" in choice
    ]
    assert anonymous == []


def _choices(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for choice in schema.get("anyOf", [schema]):
        if choice.get("type") != "null":
            yield choice


def _is_enumerated(schemas: dict[str, dict[str, Any]], schema: dict[str, Any]) -> bool:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return bool({"enum", "const"} & schema.keys())
