"""Accounts over REST: register, sign in, one's own profile."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StrictStr

from api.dependencies import CurrentCaller, Language, Services
from api.fields import Body, Shape
from api.routes import GuardedRoute
from services.errors import NotFound, Unauthenticated
from services.identity.views import Profile, RegisterUser, Tokens

router = APIRouter(route_class=GuardedRoute)

Name = Annotated[StrictStr, Field(min_length=1, max_length=100)]
Email = Annotated[StrictStr, Field(min_length=3, max_length=254)]
Phone = Annotated[StrictStr, Field(min_length=1, max_length=40)]
# Its rules are the service's; this only keeps megabytes from it.
Password = Annotated[StrictStr, Field(max_length=1024, json_schema_extra={"format": "password"})]


class _Registration(Body):
    first_name: Name
    last_name: Name
    password: Password = Field(repr=False)


class RegisterByEmail(_Registration):
    """A new account, known by its e-mail address."""

    email: Email


class RegisterByPhone(_Registration):
    """A new account, known by its phone number."""

    phone: Phone


class LoginByEmail(Body):
    """Signing in by e-mail address."""

    email: Email
    password: Password = Field(repr=False)


class LoginByPhone(Body):
    """Signing in by phone number."""

    phone: Phone
    password: Password = Field(repr=False)


class UserProfile(Shape):
    """What an account shows of itself."""

    id: UUID
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    email_verified: bool
    phone_verified: bool


class SignedIn(Shape):
    """A session: a short-lived access token, and what brings the next one."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a scheme, no secret
    expires_in: int = Field(description="Seconds.")


@router.post(
    "/auth/register/email",
    status_code=201,
    tags=["Identity"],
    operation_id="registerByEmail",
    summary="Register by e-mail",
)
def register_by_email(body: RegisterByEmail, house: Services, language: Language) -> UserProfile:
    """The address counts as verified only once a code sent to it was confirmed."""
    wanted = RegisterUser(body.first_name, body.last_name, body.email, None, body.password, language)
    return _profile(house.identity.register(wanted))


@router.post(
    "/auth/register/phone",
    status_code=201,
    tags=["Identity"],
    operation_id="registerByPhone",
    summary="Register by phone",
)
def register_by_phone(body: RegisterByPhone, house: Services, language: Language) -> UserProfile:
    """However the number is written, it is one account."""
    wanted = RegisterUser(body.first_name, body.last_name, None, body.phone, body.password, language)
    return _profile(house.identity.register(wanted))


@router.post("/auth/login/email", tags=["Identity"], operation_id="loginByEmail", summary="Sign in by e-mail")
def login_by_email(body: LoginByEmail, house: Services) -> SignedIn:
    """One answer, and one speed, for an unknown address and a wrong password."""
    return _signed_in(house.identity.login(body.email, None, body.password))


@router.post("/auth/login/phone", tags=["Identity"], operation_id="loginByPhone", summary="Sign in by phone")
def login_by_phone(body: LoginByPhone, house: Services) -> SignedIn:
    """One answer, and one speed, for an unknown number and a wrong password."""
    return _signed_in(house.identity.login(None, body.phone, body.password))


@router.get("/users/me", tags=["Identity"], operation_id="getMyProfile", summary="One's own profile")
def get_my_profile(caller: CurrentCaller, house: Services) -> UserProfile:
    """What the account shows of itself."""
    if caller.user_id is None:
        raise NotFound("This token belongs to no account.")
    try:
        return _profile(house.identity.profile(caller.user_id))
    except NotFound:
        raise Unauthenticated("A valid access token is needed: sign in.") from None


def _profile(profile: Profile) -> UserProfile:
    return UserProfile(**vars(profile))


def _signed_in(tokens: Tokens) -> SignedIn:
    return SignedIn(**vars(tokens))
