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
    transaction of the effect; when its status is not known by then, `joined` and `end` follow. An operation that only
    joins work in progress calls `begin` before it and `end` after it, which stores the key: a refused request leaves
    no row. Without a key, all do nothing.
    """

    store: IdempotencyStore
    caller: Caller
    #: method and path, with the ids of the path
    operation: str
    key: str | None
    earlier: EarlierRequest | None = None
    _begun: IdempotentRequest | None = None
    #: set by `begin`: the key is not stored yet
    _resource_id: UUID | None = None

    def request(self, body: BaseModel | None = None) -> IdempotentRequest | None:
        """The key with its caller, operation and body; None without a key."""
        if self.key is None:
            return None
        values = body.model_dump(mode="json") if body is not None else {}
        return IdempotentRequest.of(name_of(self.caller), self.operation, self.key, values)

    async def begin(self, resource_id: UUID, body: BaseModel | None = None) -> None:
        """Find the first request with the key. Raises IdempotencyKeyReused."""
        self._begun, self._resource_id = self.request(body), resource_id
        if self._begun is not None:
            self.earlier = await run_in_threadpool(self.store.find, self._begun)

    def joined(self, earlier: EarlierRequest | None, body: BaseModel | None = None) -> None:
        """The service has stored the key without a status, or found the first request with it; `end` follows."""
        self._begun, self.earlier = self.request(body), earlier

    async def end(self, response: Response, status: int) -> None:
        """Set this status, or that of the first request when this one repeats it. Raises IdempotencyKeyReused."""
        if self._begun is not None and not (self.earlier and self.earlier.status):
            self.earlier = await run_in_threadpool(self._keep, self._begun, status) or self.earlier
        response.status_code = status
        if self.earlier is not None:
            mark_replayed(response)
            response.status_code = self.earlier.status or status

    def _keep(self, begun: IdempotentRequest, status: int) -> EarlierRequest | None:
        if self._resource_id is not None and self.earlier is None:
            return self.store.keep(begun, self._resource_id, status)
        self.store.end(begun, status)
        return None


def mark_replayed(response: Response) -> None:
    """Set `Idempotency-Replayed`: an earlier request with this key had the effect."""
    response.headers["Idempotency-Replayed"] = "true"


async def _operation(request: Request, idempotency_key: IdempotencyKey = None) -> IdempotentOperation:
    caller: Caller = request.state.caller
    # An id may be written in either case.
    path = request.url.path.removeprefix(BASE).lower()
    return IdempotentOperation(
        state_of(request.app).services.idempotency, caller, f"{request.method} {path}", idempotency_key
    )


#: The idempotency of this request.
Idempotency = Annotated[IdempotentOperation, Depends(_operation)]
