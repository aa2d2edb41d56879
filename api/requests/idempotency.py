"""Idempotency-Key of operations that join what goes on anyway: repeating them is harmless, another body is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api.dependencies import IdempotencyKey, idempotent
from services.bootstrap import Services
from services.idempotency import Idempotent, Replay
from services.identity.views import Caller


@dataclass
class Repeat:
    """`begin` when the request is known to be well-formed, `end` with its answer; without a key both do nothing.

    An operation with an effect of its own hands `key` to its service instead, which keeps it with the effect.
    """

    services: Services
    caller: Caller
    operation: str
    sent: str | None
    replay: Replay | None = None
    _key: Idempotent | None = None

    def key(self, body: BaseModel | None = None) -> Idempotent | None:
        """What the key stands for: this caller, this method and path, this body."""
        values = body.model_dump(mode="json") if body is not None else {}
        return idempotent(self.caller, self.operation, self.sent, values)

    async def begin(self, resource_id: UUID, body: BaseModel | None = None) -> None:
        """Raises IdempotencyKeyReused, IdempotencyInProgress."""
        self._key = self.key(body)
        if self._key is not None:
            self.replay = await run_in_threadpool(self.services.keys.begin, self._key, resource_id)

    async def end(self, response: Response, status: int) -> None:
        """Answer with this status, or with that of the first request if this one repeats it."""
        response.status_code = status
        if self.replay is not None:
            replayed(response)
            response.status_code = self.replay.status or status
        if self._key is not None and not (self.replay and self.replay.status):
            await run_in_threadpool(self.services.keys.end, self._key, status)


def replayed(response: Response) -> None:
    """Say that an earlier request with this key did it."""
    response.headers["Idempotency-Replayed"] = "true"


async def _repeat(request: Request, idempotency_key: IdempotencyKey = None) -> Repeat:
    services = cast(Services, request.app.state.services)
    path = request.url.path.removeprefix("/api/v1")
    return Repeat(services, cast(Caller, request.state.caller), f"{request.method} {path}", idempotency_key)


#: The key of this request, and what came of the first one with it.
Repeating = Annotated[Repeat, Depends(_repeat)]
