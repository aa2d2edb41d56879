"""The errors of an operation in the OpenAPI document: one answer for each status, with an example for each problem."""

from __future__ import annotations

from typing import Any

from api.access.callers import Token
from api.access.operations import find_operation
from api.docs.openapi_headers import error_headers
from api.docs.problem_schema import schema_of
from api.problems.problem_details import TYPES, status_of

_ALWAYS = ("internal-error", "service-unavailable", "rate-limited", "payload-too-large")
_OF_BODIES = ("unsupported-media-type", "malformed-json", "validation-error")


def problems_of(operation: str, described: dict[str, Any]) -> list[str]:
    """The slugs of every problem that an operation may answer with."""
    row = find_operation(operation)
    found = [*_ALWAYS, *row.all_problems]
    if row.access.token is not Token.IGNORED:
        found.append("unauthenticated")
    if row.access.token is Token.REQUIRED:
        found.append("forbidden")
    if "requestBody" in described:
        found += _OF_BODIES
    if described.get("parameters"):
        found.append("validation-error")
    return sorted(set(found), key=list(TYPES).index)


def add_problems(operation: str, described: dict[str, Any]) -> None:
    """Add every problem of the operation to its answers."""
    for slug in problems_of(operation, described):
        _add_problem(described["responses"], slug, status_of(operation, slug))


def _add_problem(answers: dict[str, Any], slug: str, status: int) -> None:
    answer = answers.setdefault(
        str(status),
        {
            "description": "",
            "headers": error_headers(status),
            "content": {"application/problem+json": {"schema": schema_of("Problem"), "examples": {}}},
        },
    )
    answer["description"] = "\n".join(filter(None, [answer["description"], f"- `{slug}`: {TYPES[slug].title}"]))
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
