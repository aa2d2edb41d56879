"""What every refusal looks like over HTTP: RFC 9457 problem documents, from one table by the error's code."""

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

from api.access.operations import OPERATIONS, methods_of
from services.errors import MarketError

log = get_logger(__name__)


@dataclass(frozen=True)
class ProblemType:
    """A type of problem (contract, section 5): its page is `/problems/<slug>`."""

    status: int
    title: str


TYPES: Mapping[str, ProblemType] = {
    "unauthenticated": ProblemType(401, "A valid access token is required"),
    "invalid-credentials": ProblemType(401, "The identifier or the password is wrong"),
    "invalid-token": ProblemType(401, "The token is not valid (any more)"),
    "invalid-signature": ProblemType(401, "The signature does not fit the message"),
    "forbidden": ProblemType(403, "The caller may not do this"),
    "already-registered": ProblemType(409, "The address or number has an account already"),
    "identifier-not-verified": ProblemType(403, "An address or number must be verified first"),
    "not-found": ProblemType(404, "There is no such thing"),
    "method-not-allowed": ProblemType(405, "The resource does not know this method"),
    "validation-error": ProblemType(422, "Some values cannot be accepted"),
    "immutable-field": ProblemType(422, "A value that cannot be changed"),
    "malformed-json": ProblemType(400, "The body is not JSON"),
    "unsupported-media-type": ProblemType(415, "The body must be application/json"),
    "payload-too-large": ProblemType(413, "The body is too large"),
    "rate-limited": ProblemType(429, "Too many requests"),
    "too-many-open-orders": ProblemType(429, "Too many orders wait to be paid"),
    "password-too-weak": ProblemType(422, "The password is too easy to guess"),
    "invalid-code": ProblemType(422, "The code is not valid (any more)"),
    "idempotency-key-reused": ProblemType(422, "The key belongs to another request"),
    "idempotency-in-progress": ProblemType(409, "The first request with this key still runs"),
    "invalid-transition": ProblemType(409, "The state does not allow this"),
    "out-of-stock": ProblemType(409, "There is not enough of some products"),
    "product-unavailable": ProblemType(422, "Some products are not sold"),
    "reservation-exists": ProblemType(409, "The order has another reservation"),
    "reservation-closed": ProblemType(409, "The reservation has ended"),
    "reservation-expired": ProblemType(409, "The goods were held for too long"),
    "payment-exists": ProblemType(409, "Another payment is under way"),
    "amount-mismatch": ProblemType(422, "The amount is not the order's"),
    "currency-mismatch": ProblemType(422, "The currencies differ"),
    "card-number-not-accepted": ProblemType(422, "A card number was sent instead of a token"),
    "refund-exceeds-captured": ProblemType(422, "More than was paid cannot be refunded"),
    "payment-order-mismatch": ProblemType(409, "The payment belongs to another order"),
    "service-unavailable": ProblemType(503, "Something we need is away or busy"),
    "internal-error": ProblemType(500, "Something went wrong on our side"),
}

#: Which type a bare HTTP status stands for.
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
    """The HTTP status of a problem where this operation answers with it."""
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
    """The problem document of type `slug`; `instance` is the request's path unless that may not be shown."""
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
    """The answer to an error of a service."""
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
    """500 with a trace id alone; the log gets the place, never the text (it may carry values)."""
    log.error("api.unexpected", error=type(error).__name__, frames=_frames(error), operation=operation_of(request))
    return answer("internal-error", request, detail="Please tell us the trace id if it goes on.")


def _frames(error: BaseException) -> Sequence[str]:
    frames = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{step.tb_lineno}:{code.co_name}")
        step = step.tb_next
    return frames[-8:]


def operation_of(request: Request) -> str:
    """`METHOD /path/{template}`, or the method alone where no route fits; never the path as it was typed."""
    route = request.scope.get("route")
    return f"{request.method} {getattr(route, 'path', '')}".strip()


async def _on_market_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MarketError)  # noqa: S101 - registered for this type only
    if error.problem_type in ("forbidden", "not-found"):
        log.info("api.refused", code=error.code, operation=operation_of(request), **_who(request))
    if TYPES.get(error.problem_type, TYPES["internal-error"]).status == 500:
        return unexpected(error, request)
    return of_error(error, request)


def _who(request: Request) -> dict[str, str]:
    caller = getattr(request.state, "caller", None)
    return {"caller": str(caller.user_id or caller.kind)} if caller else {}


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    slug = _BY_STATUS.get(error.status_code, "internal-error")
    headers = dict(error.headers or {})
    if slug == "method-not-allowed":
        # Starlette names only the methods of the first route that it met.
        headers["Allow"] = ", ".join(methods_of(getattr(request.scope.get("route"), "path", "")))
    return answer(slug, request, headers=headers)


def install(app: FastAPI) -> None:
    """Have the app answer every error of ours, and Starlette's own, with problem documents."""
    app.add_exception_handler(MarketError, _on_market_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
