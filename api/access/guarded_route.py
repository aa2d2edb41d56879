"""A route that knows its caller before it reads the body: 429, 401, 403, 429, then 413, 415, 400, then 422."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar
from uuid import UUID

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from api.access.action_log import log_action, log_caller
from api.access.callers import Token, bearer
from api.access.handler_threads import in_thread
from api.access.operations import BASE, OPERATIONS, KeyUse, Operation, find_operation
from api.access.rate_limits import RateLimit, Unlimited
from api.requests import conditional
from api.requests.body import StrictRequest
from api.requests.client_address import address_of
from api.requests.idempotency import KEY_VALIDATED
from api.requests.query import names_of, refuse_unknown
from api.state import state_of
from services.bootstrap import Services
from services.errors import IdentifierNotVerified, Unauthenticated
from services.identity.views import Caller

R = TypeVar("R")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_LITERAL_PATHS = frozenset(path for _, _, path in (row.partition(" ") for row in OPERATIONS) if "{" not in path)


class GuardedRoute(APIRoute):
    """Takes access, limits, success status and the use of Idempotency-Key from its operation's row."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """As `APIRoute`. Raises LookupError when `api/access/operations.py` has no row for the operation."""
        method = min(options.get("methods") or ["GET"])
        row = find_operation(f"{method} {path}")
        options["status_code"] = row.success[0]
        # A read in a plain function queries the database, as the check of its caller does: one thread does both.
        self._in_thread = method == "GET" and not iscoroutinefunction(endpoint)
        if self._in_thread:
            endpoint = _without_waiting(endpoint)
        if row.key is KeyUse.VALIDATED:
            options["dependencies"] = [*(options.get("dependencies") or ()), KEY_VALIDATED]
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        """FastAPI reads the body before it resolves dependencies, so the caller is authorised here."""
        handle = super().get_route_handler()
        authorize = self._authorization()
        body = self.body_field
        required = body is not None and body.field_info.is_required()
        etag = find_operation(self.operation).etag
        known = names_of(self.dependant)
        is_list = "cursor" in known

        async def guarded(request: Request) -> Response:
            await authorize(request)
            strict = StrictRequest(request.scope, request.receive)
            strict.refuse_announced()
            if body is not None:
                await strict.read_json(required=required)
            if is_list:
                refuse_unknown(request, known)
            response = await handle(strict)
            log_action(self.operation, request, response)
            return conditional.validated(request, response) if etag else response

        async def guarded_in_thread(request: Request) -> Response:
            return await in_thread(lambda: _result(guarded(request)))

        return guarded_in_thread if self._in_thread else guarded

    def _authorization(self) -> Callable[[Request], Coroutine[Any, Any, None]]:
        row = find_operation(self.operation)
        limits = () if isinstance(row.limits, Unlimited) else row.limits

        async def authorize(request: Request) -> None:
            request.state.caller = None
            if limits or row.access.token is not Token.IGNORED:
                # One thread for all of it: each of these may query the database.
                check = partial(_authorised, request, row, limits)
                request.state.caller = check() if self._in_thread else await in_thread(check)
            log_caller(request.state.caller)

        return authorize

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A literal path belongs to its own route: `/notifications/send` is not the id of a notification."""
        if "{" in self.path and scope.get("path", "").removeprefix(BASE) in _LITERAL_PATHS:
            return Match.NONE, {}
        return super().matches(scope)

    @property
    def internal(self) -> bool:
        """Whether its operation is for services."""
        return find_operation(self.operation).internal

    @property
    def operation(self) -> str:
        """`METHOD /path/{template}`: the key of the operation's row."""
        return f"{min(self.methods or ['GET'])} {self.path}"


def _without_waiting(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint as a coroutine function, which FastAPI calls in the present thread."""

    @wraps(endpoint)
    async def call(*args: Any, **options: Any) -> Any:
        return endpoint(*args, **options)

    return call


def _result(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine that waits for nothing to its end, in this thread. Raises RuntimeError when it does wait."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: R = end.value
        return result
    coroutine.close()
    raise RuntimeError("an operation in a thread has a dependency that waits: make its handler `async`")


def _authorised(request: Request, row: Operation, limits: tuple[RateLimit, ...]) -> Caller | None:
    """The caller, authorised and within the limits.

    Raises RateLimited, Unauthenticated, Denied, IdentifierNotVerified, Unavailable.
    """
    state = state_of(request.app)
    services = state.services
    state.limits.count_address(limits, address_of(request))
    caller = _caller(request, services, row)
    row.access.authorize(caller)
    state.limits.count_caller(limits, caller)
    if row.access.verified and services.settings.orders_require_verified and caller and caller.user_id:
        _require_verified(services, caller.user_id)
    return caller


def _caller(request: Request, services: Services, row: Operation) -> Caller | None:
    if row.access.token is Token.IGNORED:
        return None
    token = bearer(request.headers.getlist("authorization"))
    if token is None and row.access.ticket and "ticket" in request.query_params:
        caller, request.state.token = _redeemed(request, services)
        return caller
    request.state.token = token
    return services.sign_in.authenticate(token) if token is not None else None


def _redeemed(request: Request, services: Services) -> tuple[Caller, str]:
    """The caller of the ticket in the query, with an access token for what they get. Raises Unauthenticated."""
    try:
        order_id = UUID(request.path_params["orderId"])
    except ValueError:
        raise Unauthenticated() from None
    return services.stream_tickets.redeem(request.query_params["ticket"], order_id)


def _require_verified(services: Services, user_id: UUID) -> None:
    profile = services.identity.profile(user_id)
    if not (profile.email_verified or profile.phone_verified):
        raise IdentifierNotVerified("Verify your e-mail address or phone number first.")
