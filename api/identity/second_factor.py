"""The second factor of an operator's account: status, enrolment, confirmation and removal."""

from __future__ import annotations

from pydantic import Field

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, SecondFactors
from api.identity.password_queue import PasswordQueue
from api.identity.schemas import Otp, Password
from api.requests.fields import Body, Shape
from services.errors import Denied, NotFound
from services.identity.views import Caller

router = OperationRouter(tags=["Identity"])


class AddSecondFactor(Body):
    """The password that authorizes the change."""

    current_password: Password = Field(repr=False)


class ConfirmSecondFactor(Body):
    """The code that the authenticator app shows for the new secret."""

    code: Otp = Field(repr=False)


class RemoveSecondFactor(Body):
    """The password and a code that authorize the change."""

    current_password: Password = Field(repr=False)
    code: Otp = Field(repr=False)


class SecondFactor(Shape):
    """The state of the second factor of an account."""

    required: bool = Field(description="Whether the account is an operator's, which needs a second factor.")
    enabled: bool = Field(description="Whether signing in needs a code.")
    recovery_codes_left: int = Field(description="How many recovery codes have not been used.")


class SecondFactorSecret(Shape):
    """The secret for an authenticator app. It is shown once."""

    secret: str = Field(description="Base32, for typing it in.")
    uri: str = Field(description="An `otpauth://` URI with the secret, for a QR code.")


class NewRecoveryCodes(Shape):
    """The new recovery codes of an account. They are shown once."""

    recovery_codes: list[str] = Field(description="Each replaces a code of the app once.")


@router.get("/users/me/otp", operation_id="getMySecondFactor", summary="Read the state of your second factor")
def get_my_second_factor(caller: CurrentCaller, factors: SecondFactors) -> SecondFactor:
    """Accounts of operators have one; a session has the role operator when it was opened with a code."""
    if caller.user_id is None:
        raise NotFound("This token does not belong to an account.")
    return SecondFactor(**vars(factors.status(caller)))


@router.post("/users/me/otp", operation_id="addMySecondFactor", summary="Add a second factor")
async def add_my_second_factor(
    body: AddSecondFactor, caller: CurrentCaller, factors: SecondFactors, passwords: PasswordQueue
) -> SecondFactorSecret:
    """Returns a new secret. It takes effect when a code of it is confirmed within 15 minutes."""
    _require_account(caller)
    password = body.current_password
    return SecondFactorSecret(**vars(await passwords.run(lambda: factors.start(caller, password))))


@router.post("/users/me/otp/confirm", operation_id="confirmMySecondFactor", summary="Turn the second factor on")
def confirm_my_second_factor(
    body: ConfirmSecondFactor, caller: CurrentCaller, factors: SecondFactors
) -> NewRecoveryCodes:
    """Returns the recovery codes and ends every other session. Sign in again, with the next code, as an operator."""
    _require_account(caller)
    return NewRecoveryCodes(recovery_codes=list(factors.confirm(caller, body.code)))


@router.post("/users/me/otp/remove", operation_id="removeMySecondFactor", summary="Remove your second factor")
async def remove_my_second_factor(
    body: RemoveSecondFactor, caller: CurrentCaller, factors: SecondFactors, passwords: PasswordQueue
) -> None:
    """Ends every session, and this one. The code is one of the app or a recovery code."""
    _require_account(caller)
    password, code = body.current_password, body.code
    await passwords.run(lambda: factors.remove(caller, password, code))


def _require_account(caller: Caller) -> None:
    if caller.user_id is None:
        raise Denied("This token does not belong to an account.")
