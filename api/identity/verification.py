"""Codes and resets over REST: verify an identifier, set a forgotten password anew."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field, StrictStr

from api.access.guarded_route import GuardedRoute
from api.dependencies import CurrentServices, KnownCaller
from api.identity.schemas import Email, Phone
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
