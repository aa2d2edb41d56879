"""Entity tags: 304 for a GET when the client has the response, and the condition of a PUT (RFC 9110, section 13.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response


def validated(request: Request, response: Response) -> Response:
    """The response with its ETag, or 304 without a body when If-None-Match names it.

    The tag is a hash of the body, which was just read from the database: no cache can be stale. What an anonymous
    client gets may be stored, and must be validated before each use.
    """
    tag = tag_of(bytes(response.body))
    headers = {"ETag": tag}
    if "authorization" not in request.headers:
        headers["Cache-Control"] = "no-cache"
    if _names(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def tag_of(body: bytes) -> str:
    """The entity tag of a response with this body."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def names_tag(if_match: str, tag: str) -> bool:
    """Whether If-Match names the tag; a weak tag never matches (RFC 9110, section 13.1.1)."""
    return any(each.strip() in (tag, "*") for each in if_match.split(","))


def _names(lines: Iterable[str], tag: str) -> bool:
    given = {each.strip().removeprefix("W/") for line in lines for each in line.split(",")}
    return tag in given or "*" in given
