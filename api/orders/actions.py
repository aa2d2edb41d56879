"""Steps of an order: wait for the reservation or the confirmation; cancel the order."""

from __future__ import annotations

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, Orders
from api.orders.request_schemas import CancelOrder
from api.orders.schemas import OrderProgress, ReserveOrderResult
from api.orders.snapshot import ENDING, PAID, OrderSnapshot, Snapshots, closed
from api.orders.step_wait import StepWait, in_progress
from api.requests.fields import NO_BODY
from api.requests.idempotency import Idempotency
from services.errors import InvalidTransition, ReservationExpired
from services.identity.views import CallerKind
from services.orders.views import CancelReason, OrderStatus

router = OperationRouter(prefix="/orders", tags=["Orders"])


@router.post(
    "/{orderId}/reserve",
    operation_id="reserveOrder",
    summary="Wait for the reservation",
    dependencies=[NO_BODY],
    responses=in_progress(ReserveOrderResult),
)
async def reserve_order(
    wait: StepWait, snapshots: Snapshots, idempotency: Idempotency, response: Response
) -> ReserveOrderResult:
    """200 when the stock is reserved, 202 while the reservation is in progress."""
    await idempotency.begin(wait.order_id)
    seen = await wait.until(snapshots.read_with_reservation, lambda seen: seen.stopped or _is_reserved(seen))
    if seen.order.closed or seen.order.status in ENDING:
        raise closed(seen.order)
    if seen.reservation and seen.reservation.status == "expired":
        raise ReservationExpired("The reservation has expired. Place a new order.")
    await idempotency.end(response, 200 if _is_reserved(seen) else 202)
    return ReserveOrderResult(
        order_id=wait.order_id,
        status=seen.order.status,
        reservation_id=seen.reservation and seen.reservation.id,
        expires_at=seen.reservation and seen.reservation.expires_at,
    )


@router.post(
    "/{orderId}/confirm",
    operation_id="confirmOrder",
    summary="Wait for the confirmation",
    dependencies=[NO_BODY],
    responses=in_progress(OrderProgress),
)
async def confirm_order(
    wait: StepWait, snapshots: Snapshots, idempotency: Idempotency, response: Response
) -> OrderProgress:
    """200 when the order is confirmed, 202 while the confirmation is in progress. An unpaid order is refused."""
    await idempotency.begin(wait.order_id)
    seen = await wait.until(snapshots.read, lambda seen: seen.order.status is not OrderStatus.PAID or seen.stopped)
    if seen.order.status in ENDING:
        raise closed(seen.order)
    if seen.order.status not in PAID:
        raise InvalidTransition("The order is not paid.")
    await idempotency.end(response, 200 if seen.order.status is OrderStatus.CONFIRMED else 202)
    return OrderProgress(order_id=wait.order_id, status=seen.order.status)


@router.post(
    "/{orderId}/cancel",
    operation_id="cancelOrder",
    summary="Cancel an order",
    responses=in_progress(OrderProgress),
)
async def cancel_order(
    wait: StepWait,
    caller: CurrentCaller,
    orders: Orders,
    snapshots: Snapshots,
    idempotency: Idempotency,
    response: Response,
    body: CancelOrder | None = None,
) -> OrderProgress:
    """202 while the steps that were done are being undone, 200 when the order is cancelled."""
    await idempotency.begin(wait.order_id, body)
    operator = caller.kind is CallerKind.OPERATOR
    reason = CancelReason.OPERATOR_REQUEST if operator else CancelReason.BUYER_REQUEST
    note = (body.reason or None) if body else None
    by = caller.identity if operator else None
    order = await run_in_threadpool(orders.request_cancel, wait.order_id, wait.buyer, reason, note, by)
    seconds = wait.seconds(default=0)
    if seconds and not order.closed:
        order = (await wait.until(snapshots.read, lambda seen: seen.idle, seconds)).order
    await idempotency.end(response, 200 if order.status is OrderStatus.CANCELLED else 202)
    return OrderProgress(order_id=wait.order_id, status=order.status)


def _is_reserved(seen: OrderSnapshot) -> bool:
    # The reservation is committed before the status of the order.
    return seen.reservation is not None and seen.order.status is not OrderStatus.CREATED
