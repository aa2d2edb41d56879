"""Sign in, refresh tokens, sign out, change the password, list and end sessions."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Header, Path, Request
from pydantic import Field, StrictStr
from structlog.contextvars import bind_contextvars

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, SignIn
from api.identity.password_queue import PasswordQueue
from api.identity.schemas import Email, Otp, Password, Phone
from api.requests.client_address import address_of, network_of
from api.requests.fields import Body, Id, Shape, Utc
from api.requests.idempotency import IdempotencyKey
from api.requests.pagination import Page, Paging
from services.errors import Denied, NotFound
from services.identity.views import Caller, NewPassword, SessionView, Tokens

router = OperationRouter(tags=["Identity"])

#: The browser or program; shown in the list of sessions.
Client = Annotated[str | None, Header(alias="User-Agent", include_in_schema=False)]
SessionId = Annotated[Id, Path(alias="sessionId")]
_OTP = "A code of the second factor, for accounts that have one: 6 digits, or a recovery code."


class LoginByEmail(Body):
    """An e-mail address and its password."""

    email: Email
    password: Password = Field(repr=False)
    otp: Otp = Field(default=None, repr=False, description=_OTP)  # type: ignore[assignment]  # left out, never null


class LoginByPhone(Body):
    """A phone number and its password."""

    phone: Phone
    password: Password = Field(repr=False)
    otp: Otp = Field(default=None, repr=False, description=_OTP)  # type: ignore[assignment]  # left out, never null


class _WithRefreshToken(Body):
    refresh_token: Annotated[StrictStr, Field(max_length=8192, repr=False)]


class RefreshRequest(_WithRefreshToken):
    """The refresh token to exchange for new tokens."""


class LogoutRequest(_WithRefreshToken):
    """The refresh token of the session to end."""


class ChangePassword(Body):
    """The current and the new password."""

    current_password: Password = Field(repr=False)
    new_password: Password = Field(repr=False)


class TokenPair(Shape):
    """An access token, and the refresh token that is exchanged for the next one."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a scheme, no secret
    expires_in: int = Field(description="Seconds until the access token expires.")


class UserSession(Shape):
    """A session of an account."""

    id: UUID
    client: str | None = Field(description="The browser or program that signed in, and its system: `Firefox on Linux`.")
    created_at: Utc
    last_used_at: Utc = Field(description="When its refresh token was last used.")
    expires_at: Utc = Field(description="When the session ends unless it is used before.")
    current: bool = Field(description="Whether this request was made in this session.")


async def _log_network(request: Request) -> None:
    bind_contextvars(network=network_of(address_of(request)))


#: Log lines of the request have the client's network.
LOGS_NETWORK = [Depends(_log_network)]


@router.post(
    "/auth/login/email",
    operation_id="loginByEmail",
    summary="Sign in with an e-mail address",
    dependencies=LOGS_NETWORK,
)
async def login_by_email(
    body: LoginByEmail, sign_in: SignIn, passwords: PasswordQueue, client: Client = None
) -> TokenPair:
    """An unknown address, a wrong password and a locked account have the same response and the same timing.

    An account with a second factor also needs `otp`. When the password is right, the response to a missing or wrong
    one is 401 `invalid-code`.
    """
    return _signed_in(await passwords.run(lambda: sign_in.login(body.email, None, body.password, client, body.otp)))


@router.post(
    "/auth/login/phone", operation_id="loginByPhone", summary="Sign in with a phone number", dependencies=LOGS_NETWORK
)
async def login_by_phone(
    body: LoginByPhone, sign_in: SignIn, passwords: PasswordQueue, client: Client = None
) -> TokenPair:
    """An unknown number, a wrong password and a locked account have the same response and the same timing.

    An account with a second factor also needs `otp`. When the password is right, the response to a missing or wrong
    one is 401 `invalid-code`.
    """
    return _signed_in(await passwords.run(lambda: sign_in.login(None, body.phone, body.password, client, body.otp)))


@router.post("/auth/refresh", operation_id="refreshTokens", summary="Refresh the tokens of a session")
def refresh_tokens(body: RefreshRequest, sign_in: SignIn, idempotency_key: IdempotencyKey = None) -> TokenPair:
    """Returns a new pair of tokens.

    For 10 seconds the old refresh token returns the same pair (two browser tabs); later use ends the session.
    With an Idempotency-Key the same request can be repeated for 60 seconds if its response was lost.
    """
    return _signed_in(sign_in.refresh(body.refresh_token, idempotency_key))


@router.post("/auth/logout", operation_id="logout", summary="Sign out")
def logout(body: LogoutRequest, sign_in: SignIn) -> None:
    """Ends the session of the refresh token and revokes its access tokens. An unknown token has no effect."""
    sign_in.logout(body.refresh_token)


@router.post("/auth/password/change", operation_id="changePassword", summary="Change your password")
async def change_password(
    body: ChangePassword, caller: CurrentCaller, sign_in: SignIn, passwords: PasswordQueue
) -> None:
    """Ends every other session and cancels password resets that were requested before. This session stays."""
    if caller.user_id is None or caller.session_id is None:
        raise Denied("This token does not belong to an account.")
    user_id, session_id = caller.user_id, caller.session_id
    wanted = NewPassword(body.current_password, body.new_password)
    await passwords.run(lambda: sign_in.change_password(user_id, session_id, wanted))


@router.get("/users/me/sessions", operation_id="listMySessions", summary="List your sessions")
def list_my_sessions(caller: CurrentCaller, sign_in: SignIn, paging: Paging) -> Page[UserSession]:
    """Newest first; an account has at most ten sessions."""
    after = paging.after(listing := paging.listing({}))
    found = sign_in.sessions(_account(caller), caller.session_id, after, paging.limit + 1)
    return paging.page(listing, found, lambda session: session.id, _session)


@router.delete("/users/me/sessions/{sessionId}", operation_id="endMySession", summary="End one of your sessions")
def end_my_session(session_id: SessionId, caller: CurrentCaller, sign_in: SignIn) -> None:
    """Revokes the access tokens of the session at once."""
    sign_in.end_session(_account(caller), session_id)


def _account(caller: Caller) -> UUID:
    if caller.user_id is None:
        raise NotFound("This token does not belong to an account.")
    return caller.user_id


def _signed_in(tokens: Tokens) -> TokenPair:
    return TokenPair(**vars(tokens))


def _session(session: SessionView) -> UserSession:
    return UserSession(**vars(session))
