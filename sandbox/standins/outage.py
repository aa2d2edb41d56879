"""Outages on demand: a neighbour that cannot be reached for a while."""

import math
import time
from enum import StrEnum

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.standins.connections import drop

OK, TOO_MANY = 200, 429
# What is left of an answer when the connection breaks in its middle.
CUT_OFF = b'{"id": "2f3b588d-000f-5000-8000-1d6e87c7fbde", "status": "succ'


class Target(StrEnum):
    PAYMENTS = "payments"
    EMAIL = "email"
    SMS = "sms"


class Outages:
    """Which neighbours are away, and for how long still; a restart ends every outage."""

    def __init__(self) -> None:
        self._until: dict[Target, float] = {}
        self._statuses: dict[Target, int | None] = {}

    def start(self, target: Target, seconds: float, status: int | None = None) -> None:
        """Takes a neighbour away for `seconds` from now (0: brings it back); `status` is what it answers then."""
        self._until[target] = time.monotonic() + seconds
        self._statuses[target] = status

    def status(self, target: Target) -> int | None:
        """What the neighbour answers while it is away; None: it drops the connection."""
        return self._statuses.get(target)

    def seconds_left(self, target: Target) -> float:
        """How long the neighbour stays away, 0 when it is there."""
        return max(self._until.get(target, 0.0) - time.monotonic(), 0.0)

    def is_away(self, target: Target) -> bool:
        """Whether the neighbour cannot be reached now."""
        return self.seconds_left(target) > 0


PATHS = {"/v3/": Target.PAYMENTS, "/confirm/": Target.PAYMENTS, "/2010-04-01/": Target.SMS}


class Reachable:
    """The application, of which the paths of an absent neighbour are cut off."""

    def __init__(self, app: ASGIApp, outages: Outages) -> None:
        self.app = app
        self.outages = outages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, unless whom it is for is away."""
        target = next((target for start, target in PATHS.items() if scope.get("path", "").startswith(start)), None)
        if target is None or not self.outages.is_away(target):
            return await self.app(scope, receive, send)
        status = self.outages.status(target)
        if status is None:
            return await drop(scope, receive)
        return await _trouble(status, self.outages.seconds_left(target))(scope, receive, send)


def _trouble(status: int, seconds: float) -> Response:
    if status == OK:
        return Response(CUT_OFF, media_type="application/json")
    error = {"type": "error", "code": "too_many_requests" if status == TOO_MANY else "internal_server_error"}
    return JSONResponse(error, status, {"Retry-After": str(math.ceil(seconds))})
