"""Schemas of problem documents (RFC 9457), which FastAPI does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.docs import openapi_bounds
from api.problems.problem_details import TYPES
from services.orders.views import CancelReason

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "pattern": openapi_bounds.TEXT, "maxLength": 1000}
NAME: Schema = {"type": "string", "pattern": "^[A-Za-z0-9._-]+$", "maxLength": 64}
_UUID: Schema = {"type": "string", "format": "uuid", "minLength": 36, "maxLength": 36}
_UNITS: Schema = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 500_000_000}


def schema_of(name: str) -> Schema:
    """A reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


_TYPE: Schema = {
    "type": "string",
    "format": "uri-reference",
    "description": "The kind of problem, and the address of the page that explains it.",
    "enum": [f"/problems/{slug}" for slug in TYPES],
}
_INVALID_VALUE: Schema = {
    "type": "object",
    "description": "A value of the request that was not accepted.",
    "required": ["pointer", "code", "message"],
    "properties": {
        "pointer": TEXT | {"description": "JSON pointer into the body, or `/query/…`, `/path/…`, `/header/…`."},
        "code": NAME | {"description": "What is wrong, for programs."},
        "message": TEXT | {"description": "What is wrong, for people."},
    },
}
_SHORTAGE: Schema = {
    "type": "object",
    "description": "A product of which fewer units are available (to this account) than the order needs.",
    "required": ["productId", "wanted", "available"],
    "properties": {"productId": _UUID, "wanted": _UNITS, "available": _UNITS},
}
_BOUNDS: Schema = {
    "type": "object",
    "description": "The orders that a payment method can pay.",
    "required": ["minAmount", "maxAmount", "currencies", "maxLines"],
    "properties": {
        "minAmount": TEXT | {"description": "The smallest total, as a decimal string."},
        "maxAmount": TEXT | {"description": "The largest total, as a decimal string."},
        "currencies": {
            "description": "ISO 4217 codes; null: any.",
            "anyOf": [{"type": "array", "maxItems": 200, "items": NAME}, {"type": "null"}],
        },
        "maxLines": {
            "description": "The most products of an order; null: any number.",
            "anyOf": [_UNITS, {"type": "null"}],
        },
    },
}
_CANCEL_REASON: Schema = {
    "type": "string",
    "enum": [str(reason) for reason in CancelReason],
    "description": CancelReason.__doc__,
}
_PROBLEM: Schema = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "traceId"],
    "properties": {
        "type": schema_of("ProblemType"),
        "title": TEXT | {"description": "The kind of problem in words; the same for every problem of this type."},
        "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
        "detail": TEXT | {"description": "What happened this time."},
        "instance": {
            "type": "string",
            "format": "uri-reference",
            "maxLength": 2400,
            "description": "The path of the request.",
        },
        "traceId": NAME | {"description": "Quote it when you ask for help."},
        "errors": {
            "type": "array",
            "maxItems": 20,
            "description": "With status 422: each value that was not accepted.",
            "items": schema_of("InvalidValue"),
        },
        "products": {
            "type": "array",
            "maxItems": 500,
            "description": "With `out-of-stock` each product that is short; with `hold-limit` each one of which the"
            " account may not hold so many; with `product-unavailable` their ids.",
            "items": {"anyOf": [schema_of("ProductShortage"), _UUID]},
        },
        "bounds": {
            "description": "With `validation-error` of a payment method: what it takes.",
            "anyOf": [schema_of("MethodBounds"), {"type": "null"}],
        },
        "items": {
            "type": "array",
            "maxItems": 500,
            "description": "With `price-changed`: the lines of the order at the present prices.",
            "items": schema_of("OrderLine"),
        },
        "totalAmount": TEXT | {"description": "With `price-changed`: the present total."},
        "currency": NAME | {"description": "With `price-changed`: the currency of the total and the prices."},
        "cancelReason": {
            "description": "With `invalid-transition` of a cancelled order: why it was cancelled.",
            "anyOf": [schema_of("CancelReason"), {"type": "null"}],
        },
    },
}

#: By their names among the components.
SCHEMAS: Mapping[str, Schema] = {
    "CancelReason": _CANCEL_REASON,
    "InvalidValue": _INVALID_VALUE,
    "MethodBounds": _BOUNDS,
    "Problem": _PROBLEM,
    "ProblemType": _TYPE,
    "ProductShortage": _SHORTAGE,
}
