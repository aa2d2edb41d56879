"""`Idempotency-Key` of a request: checked, kept for 72 hours, answered with the first status when repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel, Field
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool

from api.access.callers import name_of
from api.access.operations import BASE
from api.state import state_of
from services.idempotency import EarlierRequest, IdempotencyStore, IdempotentRequest
from services.identity.views import Caller


def _key(value: str) -> str:
    if not (1 <= len(value) <= 255 and all("\x21" <= char <= "\x7e" for char in value)):
        raise PydanticCustomError("not-a-key", "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    return value


IdempotencyKey = Annotated[
    Annotated[str, Field(min_length=0), AfterValidator(_key)] | None,
    Header(
        alias="Idempotency-Key", description="Makes the request repeatable for 72 h: 1 to 255 visible ASCII characters."
    ),
]


async def _validate_key(idempotency_key: IdempotencyKey = None) -> None:
    # The operation is idempotent without a key: the key only has to be well-formed.
    del idempotency_key


#: For operations that are idempotent anyway: a key is validated and not stored.
KEY_VALIDATED = Depends(_validate_key)


@dataclass
class IdempotentOperation:
    """The operation of this request, with its key if one was sent.

    An operation with an effect of its own passes `request(body)` to its service, which stores the key in the
    transaction of the effect. An operation that only joins work in progress calls `begin` before it and `end` after
    it. Without a key, both do nothing.
    """

    store: IdempotencyStore
    caller: Caller
    #: method and path, with the ids of the path
    operation: str
    key: str | None
    earlier: EarlierRequest | None = None
    _begun: IdempotentRequest | None = None

    def request(self, body: BaseModel | None = None) -> IdempotentRequest | None:
        """The key with its caller, operation and body; None without a key."""
        if self.key is None:
            return None
        values = body.model_dump(mode="json") if body is not None else {}
        return IdempotentRequest.of(name_of(self.caller), self.operation, self.key, values)

    async def begin(self, resource_id: UUID, body: BaseModel | None = None) -> None:
        """Store the key, or find the first request with it. Raises IdempotencyKeyReused, IdempotencyInProgress."""
        self._begun = self.request(body)
        if self._begun is not None:
            self.earlier = await run_in_threadpool(self.store.begin, self._begun, resource_id)

    async def end(self, response: Response, status: int) -> None:
        """Set this status, or that of the first request when this one repeats it."""
        response.status_code = status
        if self.earlier is not None:
            mark_replayed(response)
            response.status_code = self.earlier.status or status
        if self._begun is not None and not (self.earlier and self.earlier.status):
            await run_in_threadpool(self.store.end, self._begun, status)


def mark_replayed(response: Response) -> None:
    """Set `Idempotency-Replayed`: an earlier request with this key had the effect."""
    response.headers["Idempotency-Replayed"] = "true"


async def _operation(request: Request, idempotency_key: IdempotencyKey = None) -> IdempotentOperation:
    caller: Caller = request.state.caller
    path = request.url.path.removeprefix(BASE)
    return IdempotentOperation(
        state_of(request.app).services.idempotency, caller, f"{request.method} {path}", idempotency_key
    )


#: The idempotency of this request.
Idempotency = Annotated[IdempotentOperation, Depends(_operation)]
