"""Changes of the own account: names at once, e-mail address and phone number after verification by a code."""

from __future__ import annotations

from pydantic import Field

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, IdentifierChanges, Identity
from api.identity.password_queue import PasswordQueue
from api.identity.schemas import Email, LastName, Name, Password, Phone, UserProfile
from api.identity.verification import RequestAccepted
from api.requests.fields import Body, Id
from services.errors import Denied, ImmutableField, NotFound
from services.identity.status import IdentifierKind
from services.identity.views import Caller

router = OperationRouter(tags=["Identity"])


class ChangeProfile(Body):
    """The names to change. Fields that are left out stay as they are."""

    id: Id = Field(default=None, description="The id of the account; it cannot be changed.")  # type: ignore[assignment]  # left out, never null
    first_name: Name = Field(default=None)  # type: ignore[assignment]  # left out, never null
    last_name: LastName = Field(default=None)  # type: ignore[assignment]  # left out, never null


class ChangeEmail(Body):
    """The new e-mail address, null to remove it, and the password that authorizes the change."""

    email: Email | None
    current_password: Password = Field(repr=False)


class ChangePhone(Body):
    """The new phone number, null to remove it, and the password that authorizes the change."""

    phone: Phone | None
    current_password: Password = Field(repr=False)


@router.patch("/users/me", operation_id="changeMyProfile", summary="Change your names")
def change_my_profile(body: ChangeProfile, caller: CurrentCaller, identity: Identity) -> UserProfile:
    """E-mail address, phone number and password have their own operations, which require the current password."""
    if caller.user_id is None:
        raise NotFound("This token does not belong to an account.")
    if "id" in body.model_fields_set and body.id != caller.user_id:
        raise ImmutableField("The id of an account cannot be changed.", pointer="/id")
    return UserProfile(**vars(identity.rename(caller.user_id, body.first_name, body.last_name)))


@router.put("/users/me/email", operation_id="changeMyEmail", summary="Change your e-mail address")
async def change_my_email(
    body: ChangeEmail, caller: CurrentCaller, changes: IdentifierChanges, passwords: PasswordQueue
) -> RequestAccepted:
    """Sends a code to the new address. It takes effect when this session confirms it (`/auth/verify/email/confirm`).

    The other identifier of the account is notified. null removes the address at once, unless it is the last identifier.
    """
    await _change(caller, changes, passwords, IdentifierKind.EMAIL, body.email, body.current_password)
    return RequestAccepted()


@router.put("/users/me/phone", operation_id="changeMyPhone", summary="Change your phone number")
async def change_my_phone(
    body: ChangePhone, caller: CurrentCaller, changes: IdentifierChanges, passwords: PasswordQueue
) -> RequestAccepted:
    """Sends a code to the new number. It takes effect when this session confirms it (`/auth/verify/phone/confirm`).

    The other identifier of the account is notified. null removes the number at once, unless it is the last identifier.
    """
    await _change(caller, changes, passwords, IdentifierKind.PHONE, body.phone, body.current_password)
    return RequestAccepted()


async def _change(
    caller: Caller,
    changes: IdentifierChanges,
    passwords: PasswordQueue,
    kind: IdentifierKind,
    value: str | None,
    password: str,
) -> None:
    """Request the change of one identifier, or remove it when there is no value."""
    if caller.user_id is None:
        raise Denied("This token does not belong to an account.")
    if value is None:
        await passwords.run(lambda: changes.remove(caller, kind, password))
    else:
        given = {IdentifierKind.EMAIL: (value, None), IdentifierKind.PHONE: (None, value)}[kind]
        await passwords.run(lambda: changes.request(caller, *given, password))
