"""Simulated outages: makes one of the stand-ins unavailable for some seconds."""

import math
import time
from enum import StrEnum

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.standins.connections import drop

HTTP_OK, HTTP_TOO_MANY_REQUESTS = 200, 429
# A response body that ends in the middle of the JSON document.
TRUNCATED_BODY = b'{"id": "2f3b588d-000f-5000-8000-1d6e87c7fbde", "status": "succ'


class Target(StrEnum):
    PAYMENTS = "payments"
    EMAIL = "email"
    SMS = "sms"


class Outages:
    """Current outages by stand-in; kept in memory, so a restart ends them."""

    def __init__(self) -> None:
        self._until: dict[Target, float] = {}
        self._statuses: dict[Target, int | None] = {}

    def start(self, target: Target, seconds: float, status: int | None = None) -> None:
        """Start an outage of `seconds` (0 ends it); `status` is the response meanwhile, None drops connections."""
        self._until[target] = time.monotonic() + seconds
        self._statuses[target] = status

    def status(self, target: Target) -> int | None:
        """HTTP status of responses during the outage; None means that connections are dropped."""
        return self._statuses.get(target)

    def seconds_left(self, target: Target) -> float:
        """Seconds until the outage ends; 0 when there is none."""
        return max(self._until.get(target, 0.0) - time.monotonic(), 0.0)

    def is_down(self, target: Target) -> bool:
        """Whether there is an outage now."""
        return self.seconds_left(target) > 0


PATHS = {"/v3/": Target.PAYMENTS, "/confirm/": Target.PAYMENTS, "/2010-04-01/": Target.SMS}


class OutageMiddleware:
    """ASGI middleware that drops or refuses requests to a stand-in with an outage."""

    def __init__(self, app: ASGIApp, outages: Outages) -> None:
        self.app = app
        self.outages = outages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its stand-in has an outage."""
        target = next((target for start, target in PATHS.items() if scope.get("path", "").startswith(start)), None)
        if target is None or not self.outages.is_down(target):
            return await self.app(scope, receive, send)
        status = self.outages.status(target)
        if status is None:
            return await drop(scope, receive)
        return await _error_response(status, self.outages.seconds_left(target))(scope, receive, send)


def _error_response(status: int, seconds: float) -> Response:
    if status == HTTP_OK:
        return Response(TRUNCATED_BODY, media_type="application/json")
    error = {
        "type": "error",
        "code": "too_many_requests" if status == HTTP_TOO_MANY_REQUESTS else "internal_server_error",
    }
    return JSONResponse(error, status, {"Retry-After": str(math.ceil(seconds))})
