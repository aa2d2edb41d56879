"""The OpenAPI document: what FastAPI finds, completed with every problem, header and who may call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.access.callers import Admission, Token, admission
from api.access.problems import PARTICULAR
from api.docs import openapi_bounds
from api.docs.examples import ANSWERS, BODIES
from api.problems.problem_details import TYPES, status_of

DESCRIPTION = """Orders of a marketplace: an order is reserved, paid and confirmed by itself; when a step fails or
somebody cancels, exactly what was done is undone.

Errors are problem documents (RFC 9457); each `type` is the address of a page that says what to do."""

TAGS = {
    "Identity": "Accounts: register, verify, sign in, stay signed in, change what one has said of oneself.",
    "Catalog": "What is sold, at what price, and how much of it there is.",
    "Orders": "Orders and the steps of their lives.",
    "Reservations": "Goods held for orders; for services and operators.",
    "Payments": "Payments and refunds; for services and operators, and the news of payment providers.",
    "Notifications": "Messages to buyers; for services and operators.",
}
_CONTACT = {"name": "The people who run this marketplace"}
_SERVERS = [{"url": "/", "description": "The server this came from: development or production.", "x-internal": False}]
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, from signing in or minted by an operator; made and checked as RFC8725 says.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks: HMAC-SHA256 over `webhook-id`, `webhook-timestamp` and the body.",
    },
}

_METHODS = ("get", "post", "put", "patch", "delete")
#: OpenAPI has these headers said elsewhere: by content and security.
_OF_HTTP = {"accept", "content-type", "authorization"}
_ALWAYS = ("internal-error", "service-unavailable", "rate-limited", "payload-too-large")
_OF_BODIES = ("unsupported-media-type", "malformed-json", "validation-error")
_TEXT = {"type": "string", "pattern": openapi_bounds.TEXT, "maxLength": 1000}
_NAME = {"type": "string", "pattern": "^[A-Za-z0-9._-]+$", "maxLength": 64}
_ADDRESS = {"type": "string", "format": "uri-reference", "maxLength": 1000}
_REQUEST_ID = {"X-Request-Id": {"description": "The caller's own, or a new one; also `traceId`.", "schema": _NAME}}
_UUID = {"type": "string", "format": "uuid", "minLength": 36, "maxLength": 36}
_UNITS = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 500_000_000}
_WAIT = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86_400}
_SECONDS = {"Retry-After": {"description": "Seconds until trying again makes sense.", "schema": _WAIT}}
#: Said by the server before any code of ours runs (contract, section 1).
_HEAD_TOO_LARGE = {
    "description": "The address and the headers together are beyond 16 KiB.",
    "content": {"text/plain": {"schema": _TEXT}},
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": _TEXT}},
    429: _SECONDS,
    503: _SECONDS,
}
_CACHED = {"Cache-Control": {"description": "Who may keep the answer, and for how long.", "schema": _TEXT}}
#: Headers of success, by the parameter that asks for them.
_ANSWERED = {
    "Idempotency-Key": {
        "Idempotency-Replayed": {
            "description": "`true` when an earlier request with this key did it.",
            "schema": {"type": "string", "enum": ["true"]},
        }
    },
    "Prefer": {
        "Preference-Applied": {
            "description": "`wait=N`, when that was asked.",
            "schema": {"type": "string", "pattern": "^wait=[0-9]{1,2}$", "maxLength": 7},
        }
    },
}
_LOCATION = {"Location": {"description": "The address of what was made.", "schema": _ADDRESS}}
#: Operations whose 201 says where to find what was made.
_LOCATED = {"POST /orders"}
#: Operations that are proven by a signature of their content.
_SIGNED = {"POST /payments/{paymentId}/notify"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "traceId"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "enum": [f"/problems/{slug}" for slug in TYPES]},
        "title": _TEXT,
        "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "instance": {"type": "string", "format": "uri-reference", "maxLength": 2400},
        "traceId": _NAME,
        "errors": {
            "type": "array",
            "maxItems": 20,
            "description": "With status 422: what is wrong, and where.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {"pointer": _TEXT, "code": _NAME, "message": _TEXT},
            },
        },
        "products": {
            "type": "array",
            "maxItems": 500,
            "description": "With `out-of-stock` each product that is short; with `product-unavailable` their ids.",
            "items": {
                "anyOf": [
                    {
                        "type": "object",
                        "required": ["productId", "wanted", "available"],
                        "properties": {"productId": _UUID, "wanted": _UNITS, "available": _UNITS},
                    },
                    _UUID,
                ]
            },
        },
    },
}


def install(app: FastAPI, base: str) -> None:
    """Have `app.openapi()` give the completed document, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(app, base)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


def refusals(operation: str, described: dict[str, Any]) -> list[str]:
    """Every problem that an operation may answer with."""
    row = admission(operation)
    found = [*_ALWAYS, *PARTICULAR.get(operation, ())]
    if row.token is not Token.IGNORED:
        found.append("unauthenticated")
    if row.token is Token.NEEDED:
        found.append("forbidden")
    if "requestBody" in described:
        found += _OF_BODIES
    if described.get("parameters"):
        found.append("validation-error")
    return sorted(set(found), key=list(TYPES).index)


def _completed(app: FastAPI, base: str) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        openapi_version="3.1.0",
        tags=[{"name": name, "description": description} for name, description in TAGS.items()],
        servers=list(_SERVERS),
        contact=_CONTACT,
    )
    for operation, described in _operations(document, base):
        _complete(operation, described)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    openapi_bounds.complete(schemas)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = _SCHEMES
    return document


def _operations(document: dict[str, Any], base: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield f"{method.upper()} {path.removeprefix(base)}", methods[method]


def _complete(operation: str, described: dict[str, Any]) -> None:
    row = admission(operation)
    described["security"] = _security(operation, row)
    described["parameters"] = [each for each in described.get("parameters", ()) if each["name"] not in _OF_HTTP]
    openapi_bounds.complete_parameters(described)
    described["description"] = f"{described.get('description', '')}\n\nCallers: {_callers(row)}.".strip()
    answers = described["responses"]
    answers.pop("422", None)
    for status, answer in answers.items():
        _complete_answer(operation, status, answer, described["parameters"])
    for slug in refusals(operation, described):
        _add_problem(answers, slug, status_of(operation, slug))
    answers["431"] = _HEAD_TOO_LARGE
    if operation in BODIES:
        content = described["requestBody"]["content"]["application/json"]
        content["examples"] = {name: {"value": value} for name, value in BODIES[operation].items()}


def _complete_answer(operation: str, status: str, answer: dict[str, Any], parameters: list[dict[str, Any]]) -> None:
    headers = _REQUEST_ID | _CACHED
    for parameter in parameters:
        headers = headers | _ANSWERED.get(parameter["name"], {})
    if status == "201" and operation in _LOCATED:
        headers = headers | _LOCATION
    answer["headers"] = headers
    for described in answer.get("content", {}).values():
        openapi_bounds.bound(described.get("schema", {}), "", {})
    content = answer.get("content", {}).get("application/json")
    if content is not None and operation in ANSWERS:
        content["example"] = ANSWERS[operation]


def _security(operation: str, row: Admission) -> list[dict[str, list[str]]]:
    if row.token is Token.NEEDED:
        return [{"bearer": []}]
    if row.token is Token.WELCOME:
        return [{}, {"bearer": []}]
    return [{"signature": []}] if operation in _SIGNED else [{}]


def _callers(row: Admission) -> str:
    if row.token is not Token.NEEDED:
        return "anyone"
    kinds = sorted(str(kind) for kind in row.kinds)
    return ", ".join([*kinds, f"services with `{row.scope}`"] if row.scope else kinds)


def _add_problem(answers: dict[str, Any], slug: str, status: int) -> None:
    answer = answers.setdefault(
        str(status),
        {
            "description": "",
            "headers": _REQUEST_ID | _HEADERS.get(status, {}),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
            },
        },
    )
    answer["description"] = " ".join(filter(None, [answer["description"], f"`{slug}`"]))
    answer["content"]["application/problem+json"]["examples"][slug] = {"value": _example(slug, status)}


def _example(slug: str, status: int) -> dict[str, Any]:
    known = TYPES[slug]
    example = {
        "type": f"/problems/{slug}",
        "title": known.title,
        "status": status,
        "detail": known.title + ".",
        "instance": "/api/v1/orders",
        "traceId": "8f14e45fceea167a5a36dedd4bea2543",
    }
    if status == 422:
        example["errors"] = [{"pointer": "", "code": slug, "message": known.title + "."}]
    return example
