"""Orders over REST: placing, lists, one in full; their steps and timeline are in files of their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from api.access.guarded_route import GuardedRoute
from api.dependencies import (
    CurrentCaller,
    CurrentServices,
    IdempotencyKey,
    Language,
    Starters,
    Waiters,
    idempotent,
    name_of,
    owner,
)
from api.orders import schemas, snapshot
from api.orders.payment_method import payment_method
from api.orders.placing import place
from api.orders.schemas import OperatorOrderSummary, Order, OrderSummary, PlacedOrder, PlaceOrder
from api.requests.cursors import Listing
from api.requests.fields import Id, Moment, OrderId
from api.requests.pagination import AskedPage, Page
from api.requests.prefer import AskedPatience
from services.orders.views import Address, NewOrder, OrderFilter, OrderStatus, OrderView

router = APIRouter(prefix="/orders", tags=["Orders"], route_class=GuardedRoute)

Status = Annotated[OrderStatus | None, Query(description="Only orders with this status.")]
From = Annotated[Moment | None, Query(alias="from", description="Only orders placed at this moment or later.")]
To = Annotated[Moment | None, Query(description="Only orders placed before this moment.")]


@router.post("", status_code=201, operation_id="placeOrder", summary="Place an order")
async def place_order(
    body: PlaceOrder,
    caller: CurrentCaller,
    services: CurrentServices,
    starts: Starters,
    waiting: Waiters,
    patience: AskedPatience,
    language: Language,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> PlacedOrder:
    """Stored at once with prices and names as they are now; it is then reserved, paid and confirmed by itself."""
    new = NewOrder(
        buyer_id=caller.user_id,  # type: ignore[arg-type]  # only buyers get here, and they have an account
        quantities=body.quantities,
        products={},
        address=Address(body.country, body.region, body.city, body.street),
        method=payment_method(body, services.settings.phone_region),
        language=language,
    )
    key = idempotent(caller, "POST /orders", idempotency_key, body.model_dump(mode="json"))
    placed = await run_in_threadpool(place, services, new, key)
    order = placed.order
    if placed.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    else:
        starts.begin(order.id)
    seconds = patience.seconds(0, response)
    if seconds:
        look = snapshot.whole(services, order.id, owner(caller))
        order = (await waiting.until(order.id, look, lambda seen: seen.rests, seconds)).order
    response.headers["Location"] = f"/api/v1/orders/{order.id}"
    return schemas.placed(order)


@router.get("/me", operation_id="listMyOrders", summary="One's own orders, newest first")
def list_my_orders(
    caller: CurrentCaller,
    services: CurrentServices,
    paging: AskedPage,
    status: Status = None,
    created_from: From = None,
    to: To = None,
) -> Page[OrderSummary]:
    """What the caller ordered."""
    listing = Listing("GET /orders/me", name_of(caller), {"status": status, "from": created_from, "to": to})
    wanted = OrderFilter(buyer_id=caller.user_id, status=status, created_from=created_from, created_to=to)
    found = services.orders.list_orders(wanted, paging.after(listing), paging.limit + 1)
    return paging.page(listing, found, lambda order: order.id, schemas.summary)


@router.get("", operation_id="listOrders", summary="All orders, newest first")
def list_orders(
    caller: CurrentCaller,
    services: CurrentServices,
    paging: AskedPage,
    status: Status = None,
    created_from: From = None,
    to: To = None,
    buyer_id: Annotated[Id | None, Query(alias="buyerId", description="Only this buyer's.")] = None,
    needs_attention: Annotated[
        bool | None, Query(alias="needsAttention", description="Only orders that do, or do not, need a person.")
    ] = None,
) -> Page[OperatorOrderSummary]:
    """For operators."""
    wanted = OrderFilter(buyer_id, status, created_from, to, needs_attention)
    listing = Listing("GET /orders", name_of(caller), vars(wanted))
    found = services.orders.list_orders(wanted, paging.after(listing), paging.limit + 1)
    return paging.page(listing, found, lambda order: order.id, schemas.operator_summary)


@router.get("/{orderId}", operation_id="getOrder", summary="One order in full")
def get_order(order_id: OrderId, caller: CurrentCaller, services: CurrentServices) -> Order:
    """With its payment and refund as they are now."""
    order: OrderView = services.orders.get(order_id, owner(caller))
    payments = services.payments.of_order(order_id)
    refunds = services.payments.refunds_of(order_id) if payments else []
    return schemas.in_full(order, payments[-1] if payments else None, refunds[-1] if refunds else None)
