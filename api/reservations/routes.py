"""Stocks and reservations over REST, for services and operators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from api.access.guarded_route import GuardedRoute
from api.catalog.schemas import ProductStock
from api.dependencies import NO_BODY, CurrentCaller, CurrentServices, name_of
from api.requests.cursors import Listing
from api.requests.fields import Id
from api.requests.idempotency import Repeating
from api.requests.pagination import AskedPage, Page
from api.reservations.schemas import MAX_LINES, CreateReservation, Reservation, ReservationLine, ReservationState
from services.bootstrap import Services
from services.errors import InvalidTransition, NotFound, ReservationClosed, ReservationExists, ReservationExpired
from services.orders.views import OrderStatus, OrderView
from services.reservations.views import Item, ReservationView, StockView

router = APIRouter(tags=["Reservations"], route_class=GuardedRoute)

ReservationId = Annotated[Id, Path(alias="reservationId")]
_ENDING = (OrderStatus.CANCELLING, OrderStatus.CANCELLED)


@router.get("/stocks", operation_id="listStocks", summary="How much of each product there is")
def list_stocks(
    caller: CurrentCaller,
    services: CurrentServices,
    paging: AskedPage,
    product_id: Annotated[
        list[Id] | None,
        Query(alias="productId", max_length=MAX_LINES, description="Only these products; may be repeated."),
    ] = None,
) -> Page[ProductStock]:
    """What can be reserved now; products that never had stock are left out."""
    wanted = sorted(set(product_id or []))
    listing = Listing("GET /stocks", name_of(caller), {"productId": wanted})
    after = paging.after(listing)
    found = _named(services, wanted, after) if wanted else services.reservations.list_stocks(after, paging.limit + 1)
    return paging.page(listing, found, lambda stock: stock.product_id, _stock)


@router.post(
    "/reservations",
    status_code=201,
    operation_id="createReservation",
    summary="Set goods aside for an order",
    responses={200: {"model": ReservationState, "description": "It was there before, with the same items."}},
)
async def create_reservation(
    body: CreateReservation, services: CurrentServices, repeat: Repeating, response: Response
) -> ReservationState:
    """All lines or none; it expires unless it is confirmed. An order id not seen before is taken as it is."""
    await repeat.begin(body.order_id, body)
    made = await run_in_threadpool(_hold, services, body)
    await repeat.end(response, 201 if made.fresh else 200)
    return _state(made)


@router.get("/reservations/{reservationId}", operation_id="getReservation", summary="A reservation")
def get_reservation(reservation_id: ReservationId, services: CurrentServices) -> Reservation:
    """As it is now."""
    found = services.reservations.get(reservation_id)
    return Reservation(
        reservation_id=found.id,
        order_id=found.order_id,
        status=found.status,
        items=[ReservationLine(product_id=item.product_id, reserved_quantity=item.quantity) for item in found.items],
        created_at=found.created_at,
        expires_at=_expiry(found),
    )


@router.post(
    "/reservations/{reservationId}/confirm",
    operation_id="confirmReservation",
    summary="Sell what is set aside",
    dependencies=[NO_BODY],
)
async def confirm_reservation(
    reservation_id: ReservationId, services: CurrentServices, repeat: Repeating, response: Response
) -> ReservationState:
    """Repeatable; refused while its order is not confirmed."""
    await repeat.begin(reservation_id)
    ended = await run_in_threadpool(_confirm, services, reservation_id)
    await repeat.end(response, 200)
    return _state(ended)


@router.post(
    "/reservations/{reservationId}/release",
    operation_id="releaseReservation",
    summary="Give back what is set aside",
    dependencies=[NO_BODY],
)
async def release_reservation(
    reservation_id: ReservationId, services: CurrentServices, repeat: Repeating, response: Response
) -> ReservationState:
    """Repeatable; refused while its order is not being cancelled."""
    await repeat.begin(reservation_id)
    ended = await run_in_threadpool(_release, services, reservation_id)
    await repeat.end(response, 200)
    return _state(ended)


def _named(services: Services, wanted: list[UUID], after: UUID | None) -> list[StockView]:
    stocks = services.reservations.stocks([each for each in wanted if after is None or each > after])
    return [stocks[each] for each in sorted(stocks)]


def _hold(services: Services, body: CreateReservation) -> ReservationView:
    order = _order(services, body.order_id)
    items = [Item(line.product_id, line.quantity) for line in body.items]
    if order is not None:
        _require_own(order, items)
    return services.reservations.hold(body.order_id, items, services.settings.hold_seconds)


def _require_own(order: OrderView, items: list[Item]) -> None:
    """An order that we know reserves what it is of, and only while it is open."""
    if order.status in (*_ENDING, OrderStatus.CONFIRMED):
        raise ReservationClosed(f"The order is {order.status}: nothing is reserved for it any more.")
    wanted: dict[UUID, int] = {}
    for item in items:
        wanted[item.product_id] = wanted.get(item.product_id, 0) + item.quantity
    if wanted != {line.product_id: line.quantity for line in order.lines}:
        raise ReservationExists("The order is of other items.")


def _confirm(services: Services, reservation_id: UUID) -> ReservationView:
    found = services.reservations.get(reservation_id)
    order = _order(services, found.order_id)
    if order is not None and order.status is not OrderStatus.CONFIRMED:
        raise InvalidTransition(f"The order is {order.status}: it is confirmed by its payment, and its goods with it.")
    try:
        return services.reservations.confirm(found.order_id)
    except ReservationExpired:
        raise InvalidTransition("The reservation is expired: it cannot be confirmed.") from None


def _release(services: Services, reservation_id: UUID) -> ReservationView:
    found = services.reservations.get(reservation_id)
    order = _order(services, found.order_id)
    if order is not None and order.status not in _ENDING:
        raise InvalidTransition(f"The order is {order.status}: cancel it, and its goods are given back.")
    return services.reservations.release(found.order_id)


def _order(services: Services, order_id: UUID) -> OrderView | None:
    try:
        return services.orders.get(order_id)
    except NotFound:
        return None


def _state(reservation: ReservationView) -> ReservationState:
    return ReservationState(reservation_id=reservation.id, status=reservation.status)


def _stock(stock: StockView) -> ProductStock:
    return ProductStock(product_id=stock.product_id, available=max(0, stock.available))


def _expiry(reservation: ReservationView) -> datetime | None:
    return reservation.expires_at if reservation.status == "reserved" and not reservation.pinned else None
