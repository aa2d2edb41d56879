"""Inputs and outputs of the identity service: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class CallerKind(StrEnum):
    """The kinds of caller (contract, section 1, roles)."""

    BUYER = "buyer"
    OPERATOR = "operator"
    SERVICE = "service"


class Scope(StrEnum):
    """The scopes of a service token (contract, section 1, roles)."""

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
    """A new account as a person typed it: exactly one of `email` and `phone`; `language` is `ru` or `en`."""

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
class FoundProfile(Profile):
    """The profile of an account that an operator has searched for."""

    is_active: bool
    created_at: datetime


@dataclass(frozen=True)
class Account:
    """An account as an administrator sees it, without the person's name."""

    id: UUID
    email: str | None
    phone: str | None
    email_verified: bool
    phone_verified: bool
    role: str
    is_active: bool
    created_at: datetime
    #: the number of live sessions
    sessions: int = 0


@dataclass(frozen=True)
class DeletedAccount:
    """An account that was deleted, with the addresses that it had."""

    id: UUID
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)


@dataclass(frozen=True)
class Holder:
    """The account that has an identifier, and whether it has verified it."""

    id: UUID
    verified: bool


@dataclass(frozen=True)
class Contact:
    """Where messages to a person may be sent, and their first name and language."""

    email: str | None
    phone: str | None
    first_name: str
    language: str
    email_verified: bool = False
    phone_verified: bool = False


@dataclass(frozen=True)
class StreamTicket:
    """A ticket that opens one event stream of one order within `expires_in` seconds."""

    ticket: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True)
class Tokens:
    """An access token, valid for `expires_in` seconds, and the refresh token that gets the next pair."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True)
class NewSecondFactor:
    """A secret of TOTP in base32, and the `otpauth://` URI that holds it, for a QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True)
class SecondFactorStatus:
    """Whether an account needs a second factor, whether it has one, and how many recovery codes are left."""

    required: bool
    enabled: bool
    recovery_codes_left: int


@dataclass(frozen=True)
class SessionView:
    """One live session as its owner sees it; `client` is its name, `current` the session of the request."""

    id: UUID
    client: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


@dataclass(frozen=True)
class MintedTokenView:
    """A token without a session: its `jti`, whom it was minted for, and its scopes, separated by spaces."""

    id: UUID
    role: str
    name: str
    scopes: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class NewPassword:
    """The current and the new password of an account."""

    current: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True)
class Caller:
    """The caller of a request; `user_id` and `session_id` are None for a token without a session."""

    kind: CallerKind
    user_id: UUID | None
    session_id: UUID | None
    role: str
    scopes: frozenset[str] = frozenset()
    #: whom a token without a session was minted for
    name: str | None = None

    @property
    def identity(self) -> str:
        """Who did it, for records: the name of a minted token, or the account's id."""
        return self.name or str(self.user_id)

    def may(self, scope: Scope) -> bool:
        """True for an operator, and for a service that holds the scope; write includes read."""
        if self.kind is CallerKind.OPERATOR:
            return True
        wider = scope.removesuffix(":read") + ":write" if scope.endswith(":read") else scope
        return self.kind is CallerKind.SERVICE and bool(self.scopes & {str(scope), str(wider)})


@dataclass(frozen=True)
class PendingAccountMessage:
    """A message that is not queued yet; `to` is None when it was requested for an unknown identifier."""

    id: UUID
    channel: str
    to: str | None = field(repr=False)
    template: str
    language: str
    variables: Mapping[str, str] = field(repr=False)
