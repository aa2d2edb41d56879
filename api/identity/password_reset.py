"""Password reset: request a token, set a new password with it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from api.access.operation_router import OperationRouter
from api.dependencies import PasswordResets
from api.identity.password_queue import PasswordQueue
from api.identity.schemas import Email, Password, Phone
from api.identity.verification import RequestAccepted
from api.requests.fields import Body

router = OperationRouter(tags=["Identity"])


class RequestPasswordReset(Body):
    """The e-mail address or the phone number of the account."""

    email: Email | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.email is None) == (self.phone is None):
            raise PydanticCustomError("one-identifier", "Send either email or phone.")
        return self


class ConfirmPasswordReset(Body):
    """The new password and the reset token."""

    reset_token: Annotated[StrictStr, Field(min_length=1, max_length=8192, repr=False)]
    new_password: Password = Field(repr=False)


@router.post(
    "/auth/password/reset/request",
    operation_id="requestPasswordReset",
    summary="Request a password reset",
)
def request_password_reset(body: RequestPasswordReset, resets: PasswordResets) -> RequestAccepted:
    """Sends a reset token, valid for 30 minutes, if an account has the address or number. The response never tells."""
    resets.request(body.email, body.phone)
    return RequestAccepted()


@router.post(
    "/auth/password/reset/confirm",
    operation_id="confirmPasswordReset",
    summary="Set a new password with a reset token",
)
async def confirm_password_reset(body: ConfirmPasswordReset, resets: PasswordResets, passwords: PasswordQueue) -> None:
    """Ends every session of the account. Sign in with the new password afterwards."""
    await passwords.run(lambda: resets.confirm(body.reset_token, body.new_password))
