"""Place, list and get orders."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Query, Response
from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.access.operations import BASE
from api.dependencies import CurrentCaller, CurrentSettings, Language, Orders, Payments, owner
from api.orders import presenters
from api.orders.contacts import Contacts
from api.orders.payment_method import payment_method
from api.orders.placing import Placement
from api.orders.request_schemas import PlaceOrder
from api.orders.retrying import CurrentRetries
from api.orders.return_url import Returning
from api.orders.schemas import OperatorOrderSummary, Order, OrderSummary, PlacedOrder
from api.orders.snapshot import Snapshots, passing_events
from api.orders.starting import OrderStarts
from api.orders.waiting import LongPoll
from api.requests.fields import Id, Moment, OrderId, OrderNumber, PaymentName
from api.requests.idempotency import Idempotency, mark_replayed
from api.requests.pagination import Page, Paging
from api.requests.prefer import Prefer
from services.identity.views import CallerKind
from services.orders.views import Address, NewOrder, OrderFilter, OrderStatus, OrderView

router = OperationRouter(prefix="/orders", tags=["Orders"])

Status = Annotated[OrderStatus | None, Query(description="Only orders with this status.")]
From = Annotated[Moment | None, Query(alias="from", description="Only orders placed at this time or later.")]
To = Annotated[Moment | None, Query(description="Only orders placed before this time.")]


@router.post("", operation_id="placeOrder", summary="Place an order")
async def place_order(
    body: PlaceOrder,
    caller: CurrentCaller,
    placement: Placement,
    returning: Returning,
    snapshots: Snapshots,
    starts: OrderStarts,
    long_poll: LongPoll,
    settings: CurrentSettings,
    idempotency: Idempotency,
    prefer: Prefer,
    language: Language,
    response: Response,
) -> PlacedOrder:
    """The order keeps the present prices and names of its products. Reservation, payment and confirmation follow in the
    background. Without a payment method the order waits for `POST /orders/{orderId}/pay`.
    """
    new = NewOrder(
        buyer_id=caller.user_id,  # type: ignore[arg-type]  # only buyers get here, and they have an account
        quantities=body.quantities,
        products=placement.products,
        address=Address(body.country, body.region, body.city, body.street, body.postal_code or None),
        method=payment_method(body, settings.phone_region),
        language=language,
        expected_total=body.expected_total,
        return_url=returning.checked(body.return_url),
    )
    placed = await run_in_threadpool(placement.place, new, idempotency.request(body))
    order, begin = placed.order, None
    if placed.replayed:
        mark_replayed(response)
    else:
        begin = partial(starts.begin, order.id, placed.start_input)
    if seconds := prefer.seconds(0, response):
        read, passing = partial(snapshots.read, order.id, owner(caller)), passing_events(order)
        wait = long_poll.until(order.id, read, lambda seen: seen.idle, seconds, begin=begin, passing=passing)
        order = (await wait).order
    elif begin:
        begin()
    response.headers["Location"] = f"{BASE}/orders/{order.id}"
    return presenters.placed(order)


@router.get("/me", operation_id="listMyOrders", summary="List your orders")
def list_my_orders(
    caller: CurrentCaller,
    orders: Orders,
    paging: Paging,
    status: Status = None,
    created_from: From = None,
    to: To = None,
) -> Page[OrderSummary]:
    """Newest first."""
    listing = paging.listing({"status": status, "from": created_from, "to": to})
    wanted = OrderFilter(buyer_id=caller.user_id, status=status, created_from=created_from, created_to=to)
    found = orders.list_orders(wanted, paging.after(listing), paging.limit + 1)
    return paging.page(listing, found, lambda order: order.id, presenters.summary)


@router.get("", operation_id="listOrders", summary="List all orders")
def list_orders(
    orders: Orders,
    payments: Payments,
    paging: Paging,
    status: Status = None,
    created_from: From = None,
    to: To = None,
    buyer_id: Annotated[Id | None, Query(alias="buyerId", description="Only orders of this buyer.")] = None,
    needs_attention: Annotated[
        bool | None, Query(alias="needsAttention", description="Filters by whether an operator is needed.")
    ] = None,
    number: Annotated[OrderNumber | None, Query(description="Only orders with this number, as people type it.")] = None,
    payment_id: Annotated[
        PaymentName | None,
        Query(alias="paymentId", description="Only the order of this payment: our id, or the payment provider's."),
    ] = None,
) -> Page[OperatorOrderSummary]:
    """Newest first."""
    paid_by = payments.orders_paid_by(payment_id) if payment_id else None
    wanted = OrderFilter(buyer_id, status, created_from, to, needs_attention, number, paid_by)
    listing = paging.listing({**vars(wanted), "ids": payment_id})
    found = orders.list_orders(wanted, paging.after(listing), paging.limit + 1)
    return paging.page(listing, found, lambda order: order.id, presenters.operator_summary)


@router.get("/{orderId}", operation_id="getOrder", summary="Get an order", response_model_exclude_unset=True)
def get_order(
    order_id: OrderId,
    caller: CurrentCaller,
    orders: Orders,
    payments: Payments,
    contacts: Contacts,
    retries: CurrentRetries,
) -> Order:
    """Includes every payment and refund, also those made on the page of the payment provider."""
    order: OrderView = orders.get(order_id, owner(caller))
    made = payments.of_order(order_id)
    refunds = payments.refunds_of(order_id) if made else []
    shown = presenters.in_full(order, made, refunds)
    if caller.kind is not CallerKind.OPERATOR:
        return shown
    return presenters.for_operator(shown, order, contacts.masked(order), retries.next_tries_from_thread(order))
