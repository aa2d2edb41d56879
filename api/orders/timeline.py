"""The timeline of an order: a JSON list, or a stream of server-sent events until the order is closed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, Orders, StreamTickets, owner
from api.orders import presenters
from api.orders.event_operators import Operators
from api.orders.schemas import EventStreamTicket, OrderEvent
from api.orders.stream import OrderStream
from api.orders.streams import Streams, Viewer
from api.orders.waiting import LongPoll
from api.requests.fields import NO_BODY, Integer, OrderId
from api.requests.pagination import Page
from services.errors import Denied
from services.identity.views import CallerKind

router = OperationRouter(prefix="/orders", tags=["Orders"])


@router.get(
    "/{orderId}/events",
    operation_id="listOrderEvents",
    summary="List the events of an order",
    response_model=Page[OrderEvent],
    response_model_exclude_unset=True,
)
async def list_order_events(
    request: Request,
    order_id: OrderId,
    caller: CurrentCaller,
    orders: Orders,
    operators: Operators,
    streams: Streams,
    long_poll: LongPoll,
    accept: Annotated[str, Header(max_length=200)] = "*/*",
    last_event_id: Annotated[Integer | None, Header(alias="Last-Event-ID", ge=0)] = None,
    ticket: Annotated[
        str | None,
        Query(
            max_length=100,
            pattern="^[A-Za-z0-9_-]*$",
            description="Of `createEventStreamTicket`, instead of an access token.",
        ),
    ] = None,
    resume_after: Annotated[
        Integer | None,
        Query(alias="lastEventId", ge=0, description="Resumes a stream as `Last-Event-ID` does, which comes first."),
    ] = None,
) -> Response | Page[OrderEvent]:
    """With `Accept: text/event-stream` the response is a stream of server-sent events instead.

    It starts with an event named `state`, the present status of the order. Then each entry follows as it is written,
    in the form of the list's items. `Last-Event-ID` resumes a stream after an entry. The stream ends when the order is
    closed, when the access token is no longer valid, or after ten minutes. Resuming the stream of a closed order is
    answered 204 when no entry follows. An account may have 20 streams open at once.

    An `EventSource` of a browser cannot send an access token: it uses a `ticket` alone, and gets a stream. When it
    reconnects by itself, the ticket is used up and the answer is 401: request a new ticket, and open a new
    `EventSource` with the id of the last event as `lastEventId`.
    """
    # Described in words only: a second media type would type every response as `string | OrderEventPage`.
    by_ticket = ticket is not None and "authorization" not in request.headers  # a token comes before a ticket
    if not by_ticket and "text/event-stream" not in accept:
        found = await run_in_threadpool(orders.events, order_id, owner(caller))
        if caller.kind is not CallerKind.OPERATOR:
            return Page(items=[presenters.event(view) for view in found], next_cursor=None)
        did = await run_in_threadpool(operators.of, found)
        return Page(items=[presenters.event_for_operator(view, did.get(view.id)) for view in found], next_cursor=None)
    await run_in_threadpool(orders.get, order_id, owner(caller))
    last_id = resume_after if last_event_id is None else last_event_id
    return OrderStream(streams, long_poll, order_id, Viewer(caller, request.state.token), last_id)


@router.post(
    "/{orderId}/events/ticket",
    operation_id="createEventStreamTicket",
    summary="Get a ticket for an event stream",
    dependencies=[NO_BODY],
)
def create_event_stream_ticket(
    order_id: OrderId, caller: CurrentCaller, orders: Orders, tickets: StreamTickets
) -> EventStreamTicket:
    """The ticket opens the event stream of this order once, within 60 seconds, in place of an access token:
    `GET /orders/{orderId}/events?ticket=…`. The stream ends with the session that requested the ticket. A token without
    a session gets none. A repeated request gets another ticket; the first one stays valid.
    """
    if caller.session_id is None:
        raise Denied("A ticket belongs to a session. Send the access token to the stream itself.")
    orders.get(order_id, owner(caller))
    return EventStreamTicket(**vars(tickets.issue(caller.session_id, order_id)))
