"""A copy of all data about the caller, and the deletion of the account."""

from __future__ import annotations

from fastapi.responses import StreamingResponse
from pydantic import Field

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, PersonalData
from api.identity.password_queue import PasswordQueue
from api.identity.personal_data_schemas import PersonalDataCopy
from api.identity.schemas import Otp, Password
from api.requests.fields import Body
from services.errors import Denied, NotFound

router = OperationRouter(tags=["Identity"])


class DeleteAccount(Body):
    """The password, and a code if the account has a second factor."""

    current_password: Password = Field(repr=False)
    otp: Otp | None = Field(
        default=None, repr=False, description="A code of the authenticator app, or a recovery code."
    )


@router.get(
    "/users/me/export",
    operation_id="exportMyData",
    summary="Get a copy of your data",
    response_model=PersonalDataCopy,
)
def export_my_data(caller: CurrentCaller, data: PersonalData) -> StreamingResponse:
    """Everything that is held about you, as one JSON document: account, sessions, orders, payments and messages.

    The document is sent as it is read: a body that does not end with `}` is incomplete.
    """
    if caller.user_id is None:
        raise NotFound("This token does not belong to an account.")
    disposition = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return StreamingResponse(data.export(caller.user_id), media_type="application/json", headers=disposition)


@router.delete("/users/me", operation_id="deleteMyAccount", summary="Delete your account")
async def delete_my_account(
    body: DeleteAccount, caller: CurrentCaller, data: PersonalData, passwords: PasswordQueue
) -> None:
    """Deletes your personal data everywhere at once; it cannot be undone. Orders stay, without name and address.

    While an order is open, the answer is 409: cancel it, or wait until it is confirmed. Every session ends.
    """
    if caller.user_id is None:
        raise Denied("This token does not belong to an account.")
    password, code = body.current_password, body.otp
    await passwords.run(lambda: data.erase_own(caller, password, code))
