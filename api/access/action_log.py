"""Who did it: the caller on every log line of a request, and a line for each action of an operator."""

from __future__ import annotations

import re

import structlog
from starlette.requests import Request
from starlette.responses import Response

from api.access.callers import label_of
from services.identity.views import Caller, CallerKind

_log = structlog.get_logger(__name__)

_READS = ("GET", "HEAD")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def log_caller(caller: Caller | None) -> None:
    """Add the caller to the log lines of this request from now on."""
    if caller is not None:
        structlog.contextvars.bind_contextvars(caller=label_of(caller))


def log_action(operation: str, request: Request, response: Response) -> None:
    """Log what an operator has done, with the ids in the path; reads are left out.

    A refused action is not done; refusals of access are logged as `api.refused`.
    """
    caller: Caller | None = request.state.caller
    if caller is None or caller.kind is not CallerKind.OPERATOR or request.method in _READS:
        return
    ids = {_field(name): value for name, value in request.path_params.items() if name.endswith("Id")}
    _log.info("operator.action", operation=operation, status=response.status_code, **ids)


def _field(name: str) -> str:
    """`order_id` for `orderId`."""
    return _CAPITAL.sub("_", name).lower()
