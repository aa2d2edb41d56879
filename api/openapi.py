"""The OpenAPI document: what FastAPI finds, completed with every problem, header and who may call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.callers import Admission, Token, admission
from api.examples import ANSWERS, BODIES
from api.problems import TYPES
from api.refusals import PARTICULAR

DESCRIPTION = """Orders of a marketplace: an order is reserved, paid and confirmed by itself; when a step fails or
somebody cancels, exactly what was done is undone.

Errors are problem documents (RFC 9457); each `type` is the address of a page that says what to do."""

_METHODS = ("get", "post", "put", "patch", "delete")
_ALWAYS = ("internal-error", "service-unavailable", "rate-limited", "payload-too-large")
_OF_BODIES = ("unsupported-media-type", "malformed-json", "validation-error")
_TEXT = {"type": "string"}
_REQUEST_ID = {"X-Request-Id": {"description": "The caller's own, or a new one; also `traceId`.", "schema": _TEXT}}
_SECONDS = {"Retry-After": {"description": "Seconds until trying again makes sense.", "schema": {"type": "integer"}}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": _TEXT}},
    429: _SECONDS,
    503: _SECONDS,
}
_ANSWERED = {
    "Location": {"description": "The order's address.", "schema": _TEXT},
    "Idempotency-Replayed": {"description": "`true` when an earlier request with this key did it.", "schema": _TEXT},
    "Preference-Applied": {"description": "`wait=N`, when that was asked.", "schema": _TEXT},
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "traceId"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "enum": [f"/problems/{slug}" for slug in TYPES]},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "instance": {"type": "string", "format": "uri-reference"},
        "traceId": _TEXT,
        "errors": {
            "type": "array",
            "description": "With status 422: what is wrong, and where.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {"pointer": _TEXT, "code": _TEXT, "message": _TEXT},
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
        title=app.title, version=app.version, description=app.description, routes=app.routes, openapi_version="3.1.0"
    )
    for operation, described in _operations(document, base):
        _complete(operation, described)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    return document


def _operations(document: dict[str, Any], base: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield f"{method.upper()} {path.removeprefix(base)}", methods[method]


def _complete(operation: str, described: dict[str, Any]) -> None:
    row = admission(operation)
    described["security"] = _security(row)
    described["description"] = f"{described.get('description', '')}\n\nCallers: {_callers(row)}.".strip()
    answers = described["responses"]
    answers.pop("422", None)
    for status, answer in answers.items():
        _complete_answer(operation, status, answer)
    for slug in refusals(operation, described):
        _add_problem(answers, slug)
    if operation in BODIES:
        content = described["requestBody"]["content"]["application/json"]
        content["examples"] = {name: {"value": value} for name, value in BODIES[operation].items()}


def _complete_answer(operation: str, status: str, answer: dict[str, Any]) -> None:
    headers = dict(_REQUEST_ID)
    if operation.startswith("POST /orders"):
        headers |= {name: value for name, value in _ANSWERED.items() if name != "Location" or status == "201"}
    answer["headers"] = headers
    content = answer.get("content", {}).get("application/json")
    if content is not None and operation in ANSWERS:
        content["example"] = ANSWERS[operation]


def _security(row: Admission) -> list[dict[str, list[str]]]:
    if row.token is Token.IGNORED:
        return []
    return [{"bearer": []}] if row.token is Token.NEEDED else [{}, {"bearer": []}]


def _callers(row: Admission) -> str:
    if row.token is not Token.NEEDED:
        return "anyone"
    kinds = sorted(str(kind) for kind in row.kinds)
    return ", ".join([*kinds, f"services with `{row.scope}`"] if row.scope else kinds)


def _add_problem(answers: dict[str, Any], slug: str) -> None:
    known = TYPES[slug]
    answer = answers.setdefault(
        str(known.status),
        {
            "description": "",
            "headers": _REQUEST_ID | _HEADERS.get(known.status, {}),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
            },
        },
    )
    answer["description"] = " ".join(filter(None, [answer["description"], f"`{slug}`"]))
    answer["content"]["application/problem+json"]["examples"][slug] = {"value": _example(slug)}


def _example(slug: str) -> dict[str, Any]:
    known = TYPES[slug]
    example = {
        "type": f"/problems/{slug}",
        "title": known.title,
        "status": known.status,
        "detail": known.title + ".",
        "instance": "/api/v1/orders",
        "traceId": "8f14e45fceea167a5a36dedd4bea2543",
    }
    if known.status == 422:
        example["errors"] = [{"pointer": "", "code": slug, "message": known.title + "."}]
    return example
