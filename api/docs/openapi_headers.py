"""Response headers in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.docs.problem_schema import NAME, TEXT

Headers = dict[str, dict[str, Any]]

_ADDRESS = {"type": "string", "format": "uri-reference", "maxLength": 1000}
_REQUEST_ID: Headers = {
    "X-Request-Id": {
        "description": "The id that the request carried, or a new one. Problems repeat it as `traceId`.",
        "schema": NAME,
    }
}
_WAIT = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86_400}
_SECONDS: Headers = {"Retry-After": {"description": "Seconds to wait before the next attempt.", "schema": _WAIT}}
#: Headers of an error, by its status.
_OF_ERRORS: dict[int, Headers] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": TEXT}},
    429: _SECONDS,
    503: _SECONDS,
}
_CACHED: Headers = {
    "Cache-Control": {"description": "Whether the response may be cached, and for how long.", "schema": TEXT}
}
#: Headers of 200 and 304 where a request can be conditional. If-None-Match is no parameter: an unknown tag is ignored.
ETAG: Headers = {"ETag": {"description": "Changes when the response does. Send it as `If-None-Match`.", "schema": TEXT}}
#: Headers of a success, by the parameter that asks for them.
_ANSWERED: dict[str, Headers] = {
    "If-Match": {"ETag": {"description": "Send it as `If-Match` of the next request.", "schema": TEXT}},
    "Idempotency-Key": {
        "Idempotency-Replayed": {
            "description": "`true` when an earlier request with this key had this effect.",
            "schema": {"type": "string", "enum": ["true"]},
        }
    },
    "Prefer": {
        "Preference-Applied": {
            "description": "`wait=N`, if the request asked for it.",
            "schema": {"type": "string", "pattern": "^wait=[0-9]{1,2}$", "maxLength": 7},
        }
    },
}
_LOCATION: Headers = {"Location": {"description": "The address of the new resource.", "schema": _ADDRESS}}


def success_headers(parameters: Iterable[str], *, location: bool) -> Headers:
    """The headers of a success: those of every response, and those that a request header of this name asks for."""
    headers = _REQUEST_ID | _CACHED
    for parameter in parameters:
        headers = headers | _ANSWERED.get(parameter, {})
    return headers | (_LOCATION if location else {})


def error_headers(status: int) -> Headers:
    """The headers of an error with this status."""
    return _REQUEST_ID | _OF_ERRORS.get(status, {})
