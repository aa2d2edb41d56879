"""What the identity service takes and gives: plain values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class CallerKind(StrEnum):
    """Who may stand behind a token (contract, section 1, roles)."""

    BUYER = "buyer"
    OPERATOR = "operator"
    SERVICE = "service"


class Scope(StrEnum):
    """What a service token may be good for (contract, section 1, roles)."""

    STOCKS_READ = "stocks:read"
    RESERVATIONS_READ = "reservations:read"
    RESERVATIONS_WRITE = "reservations:write"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    PAYMENTS_NOTIFY = "payments:notify"
    REFUNDS_READ = "refunds:read"
    REFUNDS_WRITE = "refunds:write"
    NOTIFICATIONS_READ = "notifications:read"
    NOTIFICATIONS_WRITE = "notifications:write"
    ORDERS_READ = "orders:read"


@dataclass(frozen=True)
class RegisterUser:
    """A new account, as a person typed it: exactly one of `email` and `phone`; `language` is `ru` or `en`."""

    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    password: str = field(repr=False)
    language: str = "ru"


@dataclass(frozen=True)
class Profile:
    """The seven fields of `GET /users/me`."""

    id: UUID
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    email_verified: bool
    phone_verified: bool


@dataclass(frozen=True)
class Contact:
    """Where news of an order may go, and how to address the person."""

    email: str | None
    phone: str | None
    first_name: str
    language: str


@dataclass(frozen=True)
class Tokens:
    """A signed-in session: an access token of `expires_in` seconds, and what brings the next one."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True)
class SessionView:
    """One live session, as its owner sees it; `client` is what the browser or program called itself."""

    id: UUID
    client: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


@dataclass(frozen=True)
class NewPassword:
    """Another password for one's own account, in the place of the present one."""

    current: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True)
class Caller:
    """Who makes a request. `user_id` and `session_id` are None for tokens minted without a session."""

    kind: CallerKind
    user_id: UUID | None
    session_id: UUID | None
    role: str
    scopes: frozenset[str] = frozenset()

    def may(self, scope: Scope) -> bool:
        """True for an operator, and for a service that holds the scope; write includes read."""
        if self.kind is CallerKind.OPERATOR:
            return True
        wider = scope.removesuffix(":read") + ":write" if scope.endswith(":read") else scope
        return self.kind is CallerKind.SERVICE and bool(self.scopes & {str(scope), str(wider)})


@dataclass(frozen=True)
class PendingAccountMessage:
    """A message that waits to be queued; to nobody (None) when it was asked for an unknown identifier."""

    id: UUID
    channel: str
    to: str | None = field(repr=False)
    template: str
    language: str
    variables: Mapping[str, str] = field(repr=False)
