"""Errors as RFC 9457 problem documents, from one table of types by the code of the error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from structlog import get_logger

from api.access.callers import label_of
from api.access.operations import OPERATIONS, methods_of
from services.errors import MarketError

log = get_logger(__name__)


@dataclass(frozen=True)
class ProblemType:
    """A problem type (contract, section 5) with its status and title; its page is `/problems/<slug>`."""

    status: int
    title: str


TYPES: Mapping[str, ProblemType] = {
    "unauthenticated": ProblemType(401, "A valid access token is required"),
    "invalid-credentials": ProblemType(401, "The identifier or the password is wrong"),
    "invalid-token": ProblemType(401, "The token is invalid, expired or used"),
    "invalid-signature": ProblemType(401, "The signature does not match the message"),
    "forbidden": ProblemType(403, "The caller is not allowed to do this"),
    "already-registered": ProblemType(409, "An account with this address or number exists"),
    "identifier-not-verified": ProblemType(403, "An address or number must be verified first"),
    "not-found": ProblemType(404, "Not found"),
    "method-not-allowed": ProblemType(405, "The resource does not support this method"),
    "validation-error": ProblemType(422, "Some values are invalid"),
    "immutable-field": ProblemType(422, "The value cannot be changed"),
    "malformed-json": ProblemType(400, "The body is not valid JSON"),
    "unsupported-media-type": ProblemType(415, "The body must be application/json"),
    "payload-too-large": ProblemType(413, "The body is too large"),
    "rate-limited": ProblemType(429, "Too many requests"),
    "too-many-open-orders": ProblemType(429, "Too many unpaid orders"),
    "password-too-weak": ProblemType(422, "The password is too easy to guess"),
    "invalid-code": ProblemType(422, "The code is invalid, expired or used"),
    "idempotency-key-reused": ProblemType(422, "The key was used for another request"),
    "idempotency-in-progress": ProblemType(409, "The first request with this key is still running"),
    "invalid-transition": ProblemType(409, "The current state does not allow this"),
    "out-of-stock": ProblemType(409, "Some products are out of stock"),
    "product-unavailable": ProblemType(422, "Some products are not for sale"),
    "reservation-exists": ProblemType(409, "The order has a reservation for other items"),
    "reservation-closed": ProblemType(409, "The reservation has ended"),
    "reservation-expired": ProblemType(409, "The reservation has expired"),
    "payment-exists": ProblemType(409, "The order has a payment already"),
    "price-changed": ProblemType(409, "The total of the order has changed"),
    "hold-limit": ProblemType(409, "Too many units in unpaid orders"),
    "amount-mismatch": ProblemType(422, "The amount is not the total of the order"),
    "currency-mismatch": ProblemType(422, "The currencies differ"),
    "card-number-not-accepted": ProblemType(422, "Card numbers are not accepted"),
    "refund-exceeds-captured": ProblemType(422, "The refund exceeds the captured amount"),
    "payment-order-mismatch": ProblemType(409, "The payment belongs to another order"),
    "service-unavailable": ProblemType(503, "The service is temporarily unavailable"),
    "internal-error": ProblemType(500, "Internal error"),
}

#: Problem types of errors that Starlette raises with a status only.
_BY_STATUS = {
    400: "malformed-json",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media-type",
    429: "rate-limited",
    503: "service-unavailable",
}
_MAX_INSTANCE = 200


def status_of(operation: str, slug: str) -> int:
    """The HTTP status of a problem of this operation."""
    row = OPERATIONS.get(operation)
    return row.statuses.get(slug, TYPES[slug].status) if row else TYPES[slug].status


def answer(
    slug: str,
    request: Request,
    *,
    detail: str = "",
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    instance: str | None = None,
) -> Response:
    """The problem document of type `slug`; `instance` replaces the path of the request where that must not be shown."""
    known, status = TYPES[slug], status_of(operation_of(request), slug)
    document = {
        "type": f"/problems/{slug}",
        "title": known.title,
        "status": status,
        "detail": detail or known.title + ".",
        "instance": quote((instance or request.url.path)[:_MAX_INSTANCE], safe="/:"),
        "traceId": request.state.trace_id,
        **(extra or {}),
    }
    return Response(json.dumps(document, default=str), status, headers=headers, media_type="application/problem+json")


def of_error(error: MarketError, request: Request) -> Response:
    """The problem document of a service's error."""
    slug = error.problem_type if error.problem_type in TYPES else "internal-error"
    extra = dict(error.extra)
    pointer = getattr(error, "pointer", "")
    if status_of(operation_of(request), slug) == 422:
        extra["errors"] = [{"pointer": pointer, "code": slug, "message": error.detail or TYPES[slug].title}]
    if slug == "out-of-stock" and "short" in extra:
        extra["products"] = extra.pop("short")
    return answer(slug, request, detail=error.detail, extra=extra, headers=_headers(slug, error))


def _headers(slug: str, error: MarketError) -> dict[str, str]:
    headers: dict[str, str] = {}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if slug == "unauthenticated":
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return headers


def unexpected(error: Exception, request: Request) -> Response:
    """500 with the trace id; the log gets the stack frames, never the text of the error, which may carry values."""
    log.error("api.unexpected", error=type(error).__name__, frames=_frames(error), operation=operation_of(request))
    return answer("internal-error", request, detail="If this persists, report the trace id.")


def _frames(error: BaseException) -> Sequence[str]:
    frames = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{step.tb_lineno}:{code.co_name}")
        step = step.tb_next
    return frames[-8:]


def operation_of(request: Request) -> str:
    """`METHOD /path/{template}`, or the method alone when no route matches; never the path of the request."""
    route = request.scope.get("route")
    return f"{request.method} {getattr(route, 'path', '')}".strip()


#: Refusals that may be attempts to get around access control or limits.
_LOGGED = ("unauthenticated", "forbidden", "not-found", "rate-limited")


async def _on_market_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MarketError)  # noqa: S101 - registered for this type only
    if error.problem_type in _LOGGED:
        log.info("api.refused", code=error.code, operation=operation_of(request), **_who(request))
    if TYPES.get(error.problem_type, TYPES["internal-error"]).status == 500:
        return unexpected(error, request)
    return of_error(error, request)


def _who(request: Request) -> dict[str, str]:
    caller = getattr(request.state, "caller", None)
    return {"caller": label_of(caller)} if caller else {}


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    slug = _BY_STATUS.get(error.status_code, "internal-error")
    headers = dict(error.headers or {})
    if slug == "method-not-allowed":
        # Starlette names the methods of the first matching route only.
        headers["Allow"] = ", ".join(methods_of(getattr(request.scope.get("route"), "path", "")))
    return answer(slug, request, headers=headers)


def install(app: FastAPI) -> None:
    """Have the application answer service errors and Starlette's errors with problem documents."""
    app.add_exception_handler(MarketError, _on_market_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
