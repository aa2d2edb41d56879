"""List stocks; create, get, confirm and release reservations; for services and operators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response
from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.catalog.schemas import ProductStock
from api.dependencies import Reservations
from api.requests.fields import NO_BODY, Id
from api.requests.idempotency import Idempotency, IdempotentOperation
from api.requests.pagination import Page, Paging
from api.reservations.schemas import MAX_LINES, CreateReservation, Reservation, ReservationLine, ReservationState
from api.reservations.transitions import Transitions
from services.reservations.service import ReservationService
from services.reservations.views import Item, ReservationView, StockView

router = OperationRouter(tags=["Reservations"])

ReservationId = Annotated[Id, Path(alias="reservationId")]


@router.get("/stocks", operation_id="listStocks", summary="List the available stock of products")
def list_stocks(
    reservations: Reservations,
    paging: Paging,
    product_id: Annotated[
        list[Id] | None,
        Query(alias="productId", max_length=MAX_LINES, description="Only these products. Can be repeated."),
    ] = None,
) -> Page[ProductStock]:
    """What can be reserved now; products that never had stock are left out."""
    wanted = sorted(set(product_id or []))
    listing = paging.listing({"productId": wanted})
    after = paging.after(listing)
    found = _named(reservations, wanted, after) if wanted else reservations.list_stocks(after, paging.limit + 1)
    return paging.page(listing, found, lambda stock: stock.product_id, _stock)


@router.post(
    "/reservations",
    operation_id="createReservation",
    summary="Create a reservation",
    responses={200: {"model": ReservationState, "description": "It was there before, with the same items."}},
)
async def create_reservation(
    body: CreateReservation, transitions: Transitions, idempotency: Idempotency, response: Response
) -> ReservationState:
    """All lines or none; it expires unless it is confirmed. An order id not seen before is taken as it is."""
    await idempotency.begin(body.order_id, body)
    made = await run_in_threadpool(transitions.hold, body.order_id, _items(body))
    await idempotency.end(response, 201 if made.is_new else 200)
    return _state(made)


@router.get("/reservations/{reservationId}", operation_id="getReservation", summary="Get a reservation")
def get_reservation(reservation_id: ReservationId, reservations: Reservations) -> Reservation:
    """As it is now."""
    found = reservations.get(reservation_id)
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
    summary="Confirm a reservation",
    dependencies=[NO_BODY],
)
async def confirm_reservation(
    reservation_id: ReservationId, transitions: Transitions, idempotency: Idempotency, response: Response
) -> ReservationState:
    """Can be repeated. Refused while the order is not confirmed."""
    return await _ended(transitions.confirm, reservation_id, idempotency, response)


@router.post(
    "/reservations/{reservationId}/release",
    operation_id="releaseReservation",
    summary="Release a reservation",
    dependencies=[NO_BODY],
)
async def release_reservation(
    reservation_id: ReservationId, transitions: Transitions, idempotency: Idempotency, response: Response
) -> ReservationState:
    """Can be repeated. Refused unless the order is being cancelled."""
    return await _ended(transitions.release, reservation_id, idempotency, response)


async def _ended(
    end: Callable[[UUID], ReservationView], reservation_id: UUID, idempotency: IdempotentOperation, response: Response
) -> ReservationState:
    await idempotency.begin(reservation_id)
    ended = await run_in_threadpool(end, reservation_id)
    await idempotency.end(response, 200)
    return _state(ended)


def _named(reservations: ReservationService, wanted: list[UUID], after: UUID | None) -> list[StockView]:
    stocks = reservations.stocks([each for each in wanted if after is None or each > after])
    return [stocks[each] for each in sorted(stocks)]


def _items(body: CreateReservation) -> list[Item]:
    return [Item(line.product_id, line.quantity) for line in body.items]


def _state(reservation: ReservationView) -> ReservationState:
    return ReservationState(reservation_id=reservation.id, status=reservation.status)


def _stock(stock: StockView) -> ProductStock:
    return ProductStock(product_id=stock.product_id, available=max(0, stock.available))


def _expiry(reservation: ReservationView) -> datetime | None:
    return reservation.expires_at if reservation.status == "reserved" and not reservation.pinned else None
