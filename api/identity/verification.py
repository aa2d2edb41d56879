"""Codes and resets over REST: verify an identifier, set a forgotten password anew."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import Field, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from api.access.guarded_route import GuardedRoute
from api.dependencies import CurrentServices, KnownCaller
from api.identity.password_queue import HashingRoom
from api.identity.registration import Email, Password, Phone
from api.requests.fields import Body, Shape

router = APIRouter(tags=["Identity"], route_class=GuardedRoute)

Code = Annotated[
    StrictStr, Field(min_length=1, max_length=64, description="Six digits, as they were sent.", repr=False)
]


class ToEmail(Body):
    """An address that a code shall go to."""

    email: Email


class ToPhone(Body):
    """A number that a code shall go to."""

    phone: Phone


class EmailCode(Body):
    """A code that was sent to an address."""

    email: Email
    code: Code


class PhoneCode(Body):
    """A code that was sent to a number."""

    phone: Phone
    code: Code


class RequestReset(Body):
    """Whose password was forgotten: exactly one of the two."""

    email: Email | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.email is None) == (self.phone is None):
            raise PydanticCustomError("one-identifier", "Give either email or phone.")
        return self


class ConfirmReset(Body):
    """A new password, and the token that allows to set it."""

    reset_token: Annotated[StrictStr, Field(min_length=1, max_length=8192, repr=False)]
    new_password: Password = Field(repr=False)


class Accepted(Shape):
    """The same answer for every identifier, known or not."""

    status: Literal["accepted"] = "accepted"


class EmailVerified(Shape):
    """The address is proven."""

    email_verified: Literal[True] = True


class PhoneVerified(Shape):
    """The number is proven."""

    phone_verified: Literal[True] = True


@router.post(
    "/auth/verify/email/send", status_code=202, operation_id="sendEmailCode", summary="Send a code to an e-mail address"
)
def send_email_code(body: ToEmail, services: CurrentServices) -> Accepted:
    """Sent only when an account has this address and it is not proven yet; the answer is the same for all."""
    services.codes.send(body.email, None)
    return Accepted()


@router.post(
    "/auth/verify/phone/send", status_code=202, operation_id="sendPhoneCode", summary="Send a code to a phone number"
)
def send_phone_code(body: ToPhone, services: CurrentServices) -> Accepted:
    """Sent only when an account has this number and it is not proven yet; the answer is the same for all."""
    services.codes.send(None, body.phone)
    return Accepted()


@router.post(
    "/auth/verify/email/confirm", operation_id="confirmEmailCode", summary="Prove an e-mail address by its code"
)
def confirm_email_code(body: EmailCode, services: CurrentServices, caller: KnownCaller) -> EmailVerified:
    """Five tries a code, ten minutes. Every session of the account ends but the one whose token came along."""
    services.codes.confirm(body.email, None, body.code, caller)
    return EmailVerified()


@router.post("/auth/verify/phone/confirm", operation_id="confirmPhoneCode", summary="Prove a phone number by its code")
def confirm_phone_code(body: PhoneCode, services: CurrentServices, caller: KnownCaller) -> PhoneVerified:
    """Five tries a code, ten minutes. Every session of the account ends but the one whose token came along."""
    services.codes.confirm(None, body.phone, body.code, caller)
    return PhoneVerified()


@router.post(
    "/auth/password/reset/request",
    status_code=202,
    operation_id="requestPasswordReset",
    summary="Ask for a new password to be set",
)
def request_password_reset(body: RequestReset, services: CurrentServices) -> Accepted:
    """A token good for 30 minutes goes to the identifier if an account has it; the answer is the same for all."""
    services.resets.request(body.email, body.phone)
    return Accepted()


@router.post(
    "/auth/password/reset/confirm",
    status_code=204,
    operation_id="confirmPasswordReset",
    summary="Set a new password by a reset token",
)
async def confirm_password_reset(body: ConfirmReset, services: CurrentServices, hashing: HashingRoom) -> None:
    """Every session ends; sign in with the new password then."""
    await hashing.run(lambda: services.resets.confirm(body.reset_token, body.new_password))
