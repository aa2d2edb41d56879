"""Responses of YooKassa: the object of a success, and the error of the gateway port for everything else."""

from __future__ import annotations

from typing import TypeVar

import httpx2
import structlog
from pydantic import BaseModel, ValidationError

from services.payments.gateway import GatewayRefused, GatewayUnavailable, GatewayUnknown
from services.payments.yookassa.objects import Problem

Read = TypeVar("Read", bound=BaseModel)
_log = structlog.get_logger(__name__)

# A 4xx means that nothing was done, except these: a proxy may send them, or they refer to an earlier request.
_AMBIGUOUS = frozenset({408, 409, 425})
# Parameters whose values come from the buyer: a card token that has expired, a phone of an operator that cannot pay.
_OF_THE_BUYER = frozenset({"payment_token", "payment_method_data.phone"})


def read_response(kind: type[Read], response: httpx2.Response) -> Read | None:
    """The response parsed as `kind`; None for 404. Raises GatewayUnavailable, GatewayRefused, GatewayUnknown."""
    if response.status_code == httpx2.codes.NOT_FOUND:
        return None
    _check_status(response)
    try:
        return kind.model_validate_json(response.content)
    except ValidationError as error:
        raise GatewayUnknown("the response is invalid") from error


def _check_status(response: httpx2.Response) -> None:
    """Raise GatewayUnavailable, GatewayRefused or GatewayUnknown for every status but 200."""
    match response.status_code:
        case 200:
            return
        case 429 | 503:
            raise GatewayUnavailable("the provider is busy", retry_after=_retry_after(response))
        case 401 | 403:
            _log.error("payments.credentials_refused", status=response.status_code)
            raise GatewayUnavailable("the provider rejects our credentials", retry_after=30)
        case status if 400 <= status < 500 and status not in _AMBIGUOUS:
            raise _refusal(response)
        case status:
            raise GatewayUnknown(f"the provider answered {status}")


def _refusal(response: httpx2.Response) -> GatewayRefused | GatewayUnknown:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return GatewayUnknown("the error response is invalid")
    if problem.parameter == "Idempotence-Key":
        # The key was used with another body, so an earlier request was processed: a look-up will find its result.
        return GatewayUnknown("the idempotence key was used before")
    shop_fault = problem.parameter not in _OF_THE_BUYER
    return GatewayRefused(problem.code, parameter=problem.parameter, shop_fault=shop_fault)


def _retry_after(response: httpx2.Response) -> float:
    """Seconds from Retry-After, at most an hour; 5 without a usable header."""
    given = response.headers.get("retry-after", "")
    return float(min(int(given), 3600)) if given.isascii() and given.isdigit() else 5.0
