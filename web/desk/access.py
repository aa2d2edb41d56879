"""Who sees the desk."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.exceptions import HTTPException

from web.dependencies import CurrentVisit
from web.visit import Visit


async def _operator(visit: CurrentVisit) -> Visit:
    """Raises SignInNeeded; for everybody but operators the desk does not exist.

    The role is that of the access token, which the API gave. The API checks it again with every request.
    """
    await visit.api(required=True)
    if not visit.is_operator:
        raise HTTPException(404)
    return visit


#: The visit of an operator.
OperatorVisit = Annotated[Visit, Depends(_operator)]
