"""A route that knows its caller before it reads the body: 429, 401, 403, 429, then 413, 415, 400, then 422."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from api.access.callers import OPERATIONS, Admission, Token, admission, bearer
from api.access.rate_limits import Limit, limits_of
from api.requests.body import StrictRequest
from api.requests.client_address import address_of
from api.state import state_of
from services.bootstrap import Services
from services.errors import IdentifierNotVerified
from services.identity.views import Caller

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

BASE = "/api/v1"
_WRITTEN_OUT = frozenset(path for _, _, path in (row.partition(" ") for row in OPERATIONS) if "{" not in path)


class GuardedRoute(APIRoute):
    """Looks its operation up in the tables of callers and rates, at once when it is declared."""

    def get_route_handler(self) -> Handler:
        """FastAPI reads the body before it solves any dependency; so the caller is made out here."""
        handle = super().get_route_handler()
        row, limits = admission(self.operation), limits_of(self.operation)
        body = self.body_field
        required = body is not None and body.field_info.is_required()

        async def guarded(request: Request) -> Response:
            request.state.caller = None
            if limits or row.token is not Token.IGNORED:
                # One thread for all of it: each of these may ask the database.
                request.state.caller = await run_in_threadpool(_admitted, request, row, limits)
            strict = StrictRequest(request.scope, request.receive)
            strict.refuse_announced()
            if body is not None:
                await strict.read_json(required=required)
            return await handle(strict)

        return guarded

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """`/notifications/send` is no notification's id: a path that is written out belongs to its own route."""
        if "{" in self.path and scope.get("path", "").removeprefix(BASE) in _WRITTEN_OUT:
            return Match.NONE, {}
        return super().matches(scope)

    @property
    def operation(self) -> str:
        """`METHOD /path/{template}`: the key of the table, and of idempotency keys."""
        return f"{min(self.methods or ['GET'])} {self.path}"


def _admitted(request: Request, row: Admission, limits: tuple[Limit, ...]) -> Caller | None:
    """The caller, who may call and has not called too often.

    Raises RateLimited, Unauthenticated, Denied, IdentifierNotVerified, Unavailable.
    """
    state = state_of(request.app)
    limiter, services = state.limits, state.services
    limiter.admit_address(limits, address_of(request))
    caller = _caller(request, services, row)
    row.check(caller)
    limiter.admit_caller(limits, caller)
    if row.verified and services.settings.orders_require_verified and caller and caller.user_id:
        _require_verified(services, caller.user_id)
    return caller


def _caller(request: Request, services: Services, row: Admission) -> Caller | None:
    if row.token is Token.IGNORED:
        return None
    token = bearer(request.headers.getlist("authorization"))
    return services.sign_in.authenticate(token) if token is not None else None


def _require_verified(services: Services, user_id: UUID) -> None:
    profile = services.identity.profile(user_id)
    if not (profile.email_verified or profile.phone_verified):
        raise IdentifierNotVerified("Verify your e-mail address or phone number first.")
