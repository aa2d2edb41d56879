"""The timeline of an order: a JSON list, or a stream of server-sent events until the order is closed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.access.callers import bearer
from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, Orders, SignIn, owner
from api.orders import presenters
from api.orders.schemas import OrderEvent
from api.orders.stream import OrderStream
from api.orders.waiting import LongPoll
from api.requests.fields import Integer, OrderId
from api.requests.pagination import Page

router = OperationRouter(prefix="/orders", tags=["Orders"])


@router.get(
    "/{orderId}/events",
    operation_id="listOrderEvents",
    summary="List the events of an order",
    response_model=Page[OrderEvent],
)
async def list_order_events(
    request: Request,
    order_id: OrderId,
    caller: CurrentCaller,
    orders: Orders,
    sign_in: SignIn,
    long_poll: LongPoll,
    accept: Annotated[str, Header(max_length=200)] = "*/*",
    last_event_id: Annotated[Integer | None, Header(alias="Last-Event-ID", ge=0)] = None,
) -> Response | Page[OrderEvent]:
    """With `Accept: text/event-stream` the response is a stream of server-sent events instead.

    It starts with an event named `state`, the present status of the order. Then each entry follows as it is written,
    in the form of the list's items. `Last-Event-ID` resumes a stream after an entry. The stream ends when the order is
    closed, or after ten minutes. Resuming the stream of a closed order is answered 204 when no entry follows.
    """
    # Described in words only: a second media type would type every response as `string | OrderEventPage`.
    if "text/event-stream" not in accept:
        found = await run_in_threadpool(orders.events, order_id, owner(caller))
        return Page(items=[presenters.event(view) for view in found], next_cursor=None)
    token = bearer(request.headers.getlist("authorization"))
    stream = OrderStream(orders, sign_in, long_poll, order_id, owner(caller), token or "", last_event_id)
    if not await stream.open():
        return Response(status_code=204)
    return StreamingResponse(stream.frames(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
