"""422 responses: which fields are invalid and why, with fixed messages that never repeat the value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from api.problems.problem_details import TYPES, answer, operation_of

#: Errors that a response lists at most.
_MAX_ERRORS = 20
#: Names of members of this API; other names come from the client and are not repeated.
_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,63}")

# Placeholders are limits that the models declare, never values.
_MESSAGES = {
    "missing": "This is required.",
    "extra_forbidden": "Unknown member.",
    "string_type": "This must be a string.",
    "int_type": "This must be an integer, written without quotes, fraction or exponent.",
    "bool_type": "This must be true or false.",
    "list_type": "This must be an array.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "dict_type": "This must be an object.",
    "string_too_short": "At least {min_length} character(s) are required.",
    "string_too_long": "At most {max_length} characters are allowed.",
    "too_short": "At least {min_length} item(s) are required.",
    "too_long": "At most {max_length} items are allowed.",
    "greater_than_equal": "This must be {ge} or more.",
    "less_than_equal": "This must be {le} or less.",
    "enum": "This must be one of {expected}.",
    "literal_error": "This must be one of {expected}.",
}
#: Error types of the validators in this project, which have fixed messages.
_OWN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


def _pointer(location: Sequence[int | str]) -> str:
    """`/items/0/quantity` for the body; `/query/limit`, `/path/orderId`, `/header/…` for parameters."""
    steps = list(location[1:] if location and location[0] == "body" else location)
    while steps and isinstance(steps[-1], str) and not _NAME.fullmatch(steps[-1]):
        steps.pop()
    return "".join(f"/{step}" for step in steps)


def _message(error: Mapping[str, Any]) -> str:
    kind = error["type"]
    if _OWN.fullmatch(kind):
        return str(error["msg"])
    return _MESSAGES.get(kind, "This value is invalid.").format_map(error.get("ctx", {}))


def _shown(error: Mapping[str, Any]) -> dict[str, str]:
    code = str(error["type"]).replace("_", "-")
    return {"pointer": _pointer(error["loc"]), "code": code, "message": _message(error)}


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    found = error.errors()
    shown = [_shown(each) for each in found[:_MAX_ERRORS]]
    slug = next((each["code"] for each in shown if each["code"] in TYPES), "validation-error")
    # An invalid path contains what the client typed: show its template instead.
    typed = any(each["loc"][:1] == ("path",) for each in found)
    instance = operation_of(request).partition(" ")[2] if typed else None
    return answer(slug, request, extra={"errors": shown}, instance=instance)


def install(app: FastAPI) -> None:
    """Have the application answer requests that do not match their models."""
    app.add_exception_handler(RequestValidationError, _on_validation_error)
