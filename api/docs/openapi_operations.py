"""One operation in the OpenAPI document: its callers, parameters, answers, problems and examples."""

from __future__ import annotations

from typing import Any

from api.access.operations import find_operation
from api.docs import openapi_bounds
from api.docs.openapi_headers import ETAG, success_headers
from api.docs.openapi_problems import add_problems
from api.docs.openapi_security import callers_of, security_of
from api.docs.request_examples import BODIES
from api.docs.response_examples import ANSWERS

#: Headers that OpenAPI describes elsewhere: by content and security.
_OF_HTTP = {"accept", "content-type", "authorization"}
_SUCCESS = {200: "Success.", 201: "Created.", 202: "Accepted; it is done in the background.", 204: "No content."}


def complete_operation(operation: str, described: dict[str, Any]) -> None:
    """Complete what FastAPI derived for this operation."""
    access = find_operation(operation).access
    described["security"] = security_of(operation, access)
    described["parameters"] = [each for each in described.get("parameters", ()) if each["name"] not in _OF_HTTP]
    openapi_bounds.complete_parameters(described)
    described["description"] = f"{described.get('description', '')}\n\nCallers: {callers_of(access)}.".strip()
    answers = described["responses"]
    answers.pop("422", None)
    names = [parameter["name"] for parameter in described["parameters"]]
    for status, answer in answers.items():
        _complete_answer(operation, status, answer, names)
    if find_operation(operation).etag:
        _add_etag(described)
    add_problems(operation, described)
    if operation in BODIES:
        content = described["requestBody"]["content"]["application/json"]
        content["examples"] = {name: {"value": value} for name, value in BODIES[operation].items()}


def _add_etag(described: dict[str, Any]) -> None:
    success = described["responses"]["200"]
    success["headers"] = success["headers"] | ETAG
    described["responses"]["304"] = {
        "description": "Not modified since the response with this ETag.",
        "headers": success["headers"],
    }


def _complete_answer(operation: str, status: str, answer: dict[str, Any], parameters: list[str]) -> None:
    location = status == "201" and find_operation(operation).location
    answer["headers"] = success_headers(parameters, location=location)
    if answer["description"] == "Successful Response":
        answer["description"] = _SUCCESS[int(status)]
    for described in answer.get("content", {}).values():
        openapi_bounds.bound(described.get("schema", {}), "", {})
    content = answer.get("content", {}).get("application/json")
    if content is not None and operation in ANSWERS:
        content["example"] = ANSWERS[operation]
