"""Registers accounts, and returns the profile of the caller."""

from __future__ import annotations

from pydantic import Field

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, Identity, Language
from api.identity.password_queue import PasswordQueue
from api.identity.schemas import Email, LastName, Name, Password, Phone, UserProfile
from api.requests.fields import Body
from services.errors import NotFound, Unauthenticated
from services.identity.views import Profile, RegisterUser

router = OperationRouter()


class _Registration(Body):
    first_name: Name
    last_name: LastName = Field(description="Empty for people who have one name.")
    password: Password = Field(repr=False)


class RegisterByEmail(_Registration):
    """A new account with an e-mail address."""

    email: Email


class RegisterByPhone(_Registration):
    """A new account with a phone number."""

    phone: Phone


@router.post(
    "/auth/register/email",
    tags=["Identity"],
    operation_id="registerByEmail",
    summary="Register with an e-mail address",
)
async def register_by_email(
    body: RegisterByEmail, identity: Identity, passwords: PasswordQueue, language: Language
) -> UserProfile:
    """The address is verified when the code that is sent to it has been confirmed."""
    wanted = RegisterUser(body.first_name, body.last_name, body.email, None, body.password, language)
    return _profile(await passwords.run(lambda: identity.register(wanted)))


@router.post(
    "/auth/register/phone",
    tags=["Identity"],
    operation_id="registerByPhone",
    summary="Register with a phone number",
)
async def register_by_phone(
    body: RegisterByPhone, identity: Identity, passwords: PasswordQueue, language: Language
) -> UserProfile:
    """The number may be written in any usual form; it is stored as E.164."""
    wanted = RegisterUser(body.first_name, body.last_name, None, body.phone, body.password, language)
    return _profile(await passwords.run(lambda: identity.register(wanted)))


@router.get("/users/me", tags=["Identity"], operation_id="getMyProfile", summary="Get your profile")
def get_my_profile(caller: CurrentCaller, identity: Identity) -> UserProfile:
    """The profile of the account that the token belongs to."""
    if caller.user_id is None:
        raise NotFound("This token does not belong to an account.")
    try:
        return _profile(identity.profile(caller.user_id))
    except NotFound:
        raise Unauthenticated() from None


def _profile(profile: Profile) -> UserProfile:
    return UserProfile(**vars(profile))
