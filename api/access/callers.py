"""Who may call an operation, and the bearer token of a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from services.errors import Denied, Unauthenticated
from services.identity.views import Caller, CallerKind, Scope


class Token(Enum):
    """What an operation does with the bearer token."""

    #: 401 without a valid one
    REQUIRED = "required"
    #: without one the caller is anonymous; 401 with an invalid one
    OPTIONAL = "optional"
    #: not read, so that an expired token does not prevent signing in
    IGNORED = "ignored"


@dataclass(frozen=True)
class Access:
    """The callers that are authorised: these kinds, and services with the scope."""

    token: Token
    kinds: frozenset[CallerKind] = frozenset()
    scope: Scope | None = None
    #: with ORDERS_REQUIRE_VERIFIED, only accounts with a verified e-mail address or phone number
    verified: bool = False
    #: authenticated by a signature of the body (Standard Webhooks)
    signed: bool = False
    #: also authenticated by a ticket of the order in the query (services/identity/stream_tickets.py)
    ticket: bool = False

    def authorize(self, caller: Caller | None) -> None:
        """Raises Unauthenticated, Denied."""
        if self.token is not Token.REQUIRED:
            return
        if caller is None:
            raise Unauthenticated()
        if caller.kind not in self.kinds and not (self.scope and caller.may(self.scope)):
            raise Denied("The token does not authorise this operation.")


def callers(*kinds: CallerKind, scope: Scope | None = None, verified: bool = False, ticket: bool = False) -> Access:
    """Access by a token: of these kinds of callers, or of a service with the scope; also by a ticket."""
    return Access(Token.REQUIRED, frozenset(kinds), scope, verified, ticket=ticket)


ANYONE = Access(Token.IGNORED)
#: The operation authenticates the message itself, by its source and the provider.
BY_CONTENT = Access(Token.IGNORED)
SIGNED = Access(Token.IGNORED, signed=True)
#: Operators see more.
ANYONE_KNOWN = Access(Token.OPTIONAL)


def name_of(caller: Caller) -> str:
    """The caller that owns an idempotency key or a cursor: its kind, and the account or the name of its token."""
    return f"{caller.kind}:{caller.identity}"


def label_of(caller: Caller) -> str:
    """The caller in logs: `buyer:<id>`; the kind alone for a token that belongs to no account."""
    return name_of(caller).removesuffix(":")


def bearer(authorization: list[str]) -> str | None:
    """The token of the Authorization header, None without one. Raises Unauthenticated for any other form."""
    if not authorization:
        return None
    scheme, _, token = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer" or not token.isascii():
        raise Unauthenticated()
    return token.strip()
