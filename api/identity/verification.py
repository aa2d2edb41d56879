"""Verification of e-mail addresses and phone numbers by codes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictStr

from api.access.operation_router import OperationRouter
from api.dependencies import KnownCaller, VerificationCodes
from api.identity.schemas import Email, Phone
from api.requests.fields import Body, Shape

router = OperationRouter(tags=["Identity"])

Code = Annotated[
    StrictStr, Field(min_length=1, max_length=64, description="The six digits from the message.", repr=False)
]


class SendEmailCode(Body):
    """The e-mail address to send a code to."""

    email: Email


class SendPhoneCode(Body):
    """The phone number to send a code to."""

    phone: Phone


class ConfirmEmailCode(Body):
    """The code that was sent to an e-mail address."""

    email: Email
    code: Code


class ConfirmPhoneCode(Body):
    """The code that was sent to a phone number."""

    phone: Phone
    code: Code


class RequestAccepted(Shape):
    """The request was accepted. The response is the same whether or not an account exists."""

    status: Literal["accepted"] = "accepted"


class EmailVerificationResult(Shape):
    """The e-mail address is verified."""

    email_verified: Literal[True] = True


class PhoneVerificationResult(Shape):
    """The phone number is verified."""

    phone_verified: Literal[True] = True


@router.post("/auth/verify/email/send", operation_id="sendEmailCode", summary="Send a code to an e-mail address")
def send_email_code(body: SendEmailCode, codes: VerificationCodes, caller: KnownCaller) -> RequestAccepted:
    """The code is sent only if an account has this address and it is not verified. The response never tells.

    Requests with a token of this account are counted apart from those of others.
    """
    codes.send(body.email, None, caller)
    return RequestAccepted()


@router.post("/auth/verify/phone/send", operation_id="sendPhoneCode", summary="Send a code to a phone number")
def send_phone_code(body: SendPhoneCode, codes: VerificationCodes, caller: KnownCaller) -> RequestAccepted:
    """The code is sent only if an account has this number and it is not verified. The response never tells.

    Requests with a token of this account are counted apart from those of others.
    """
    codes.send(None, body.phone, caller)
    return RequestAccepted()


@router.post(
    "/auth/verify/email/confirm", operation_id="confirmEmailCode", summary="Verify an e-mail address with a code"
)
def confirm_email_code(
    body: ConfirmEmailCode, codes: VerificationCodes, caller: KnownCaller
) -> EmailVerificationResult:
    """A code is valid for ten minutes and five attempts. Ends every session except that of the request's token."""
    codes.confirm(body.email, None, body.code, caller)
    return EmailVerificationResult()


@router.post("/auth/verify/phone/confirm", operation_id="confirmPhoneCode", summary="Verify a phone number with a code")
def confirm_phone_code(
    body: ConfirmPhoneCode, codes: VerificationCodes, caller: KnownCaller
) -> PhoneVerificationResult:
    """A code is valid for ten minutes and five attempts. Ends every session except that of the request's token."""
    codes.confirm(None, body.phone, body.code, caller)
    return PhoneVerificationResult()
