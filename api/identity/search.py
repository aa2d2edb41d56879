"""Operators find an account by what a buyer tells them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from api.access.operation_router import OperationRouter
from api.dependencies import Identity
from api.identity.schemas import Email, FoundUser, Phone
from services.errors import Invalid

router = OperationRouter(prefix="/users", tags=["Identity"])


@router.get("", operation_id="findUser", summary="Find an account by its e-mail address or phone number")
def find_user(
    identity: Identity,
    email: Annotated[Email | None, Query(description="The whole address. Send either this or `phone`.")] = None,
    phone: Annotated[Phone | None, Query(description="The whole number. Send either this or `email`.")] = None,
) -> FoundUser:
    """Exactly this identifier, however it is written; verified or not."""
    try:
        return FoundUser(**vars(identity.find(email, phone)))
    except Invalid as wrong:
        raise Invalid(wrong.detail, pointer=f"/query{wrong.pointer}") from None
