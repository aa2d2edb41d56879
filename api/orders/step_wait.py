"""The wait of a request for a step of its order, for as long as the request prefers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Response

from api.dependencies import CurrentCaller, owner
from api.orders.snapshot import OrderSnapshot
from api.orders.waiting import LongPoll, LongPolling
from api.requests.fields import OrderId, Shape
from api.requests.prefer import STEP_WAIT, Prefer, WaitPreference

Read = Callable[[UUID, UUID | None], OrderSnapshot]


def in_progress(model: type[Shape]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a step that answers 202 while it is in progress."""
    return {202: {"model": model, "description": "In progress."}}


@dataclass(frozen=True)
class OrderWait:
    """The order of this request, and how long the request waits for it."""

    order_id: UUID
    #: the buyer whose order it must be; None: anyone's
    buyer: UUID | None
    response: Response
    prefer: WaitPreference
    long_polling: LongPolling

    def seconds(self, default: int) -> int:
        """Seconds to wait, `default` without a preference."""
        return self.prefer.seconds(default, self.response)

    async def until(
        self, read: Read, enough: Callable[[OrderSnapshot], bool], seconds: int | None = None
    ) -> OrderSnapshot:
        """The first snapshot that is `enough` within `seconds`, else the last one.

        Without `seconds` it waits as long as the request prefers, `STEP_WAIT` by default.
        """
        seconds = self.seconds(STEP_WAIT) if seconds is None else seconds
        return await self.long_polling.until(self.order_id, partial(read, self.order_id, self.buyer), enough, seconds)


async def _order_wait(
    order_id: OrderId, caller: CurrentCaller, response: Response, prefer: Prefer, long_poll: LongPoll
) -> OrderWait:
    return OrderWait(order_id, owner(caller), response, prefer, long_poll)


StepWait = Annotated[OrderWait, Depends(_order_wait)]
