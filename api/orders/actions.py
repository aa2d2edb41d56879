"""Steps of an order: wait for the reservation, payment or confirmation; cancel the order."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.guarded_route import GuardedRoute
from api.dependencies import CurrentCaller, CurrentSettings, Orders, owner
from api.orders.payment_method import payment_method
from api.orders.schemas import CancelOrder, OrderProgress, PayOrder, PayOrderResult, ReserveOrderResult
from api.orders.snapshot import ENDING, PAID, OrderSnapshot, Snapshots, closed
from api.orders.waiting import LongPoll
from api.requests.fields import NO_BODY, OrderId, Shape
from api.requests.idempotency import Idempotency, IdempotentOperation, mark_replayed
from api.requests.prefer import STEP_WAIT, Prefer
from services.errors import Invalid, InvalidTransition, ReservationExpired
from services.identity.views import CallerKind
from services.orders.views import CancelReason, OrderStatus, PaymentMethod

router = APIRouter(prefix="/orders", tags=["Orders"], route_class=GuardedRoute)


_EXPIRED = (CancelReason.RESERVATION_EXPIRED, CancelReason.PAYMENT_EXPIRED)


def _running(model: type[Shape]) -> dict[int | str, dict[str, Any]]:
    return {202: {"model": model, "description": "In progress."}}


@router.post(
    "/{orderId}/reserve",
    operation_id="reserveOrder",
    summary="Wait for the reservation",
    dependencies=[NO_BODY],
    responses=_running(ReserveOrderResult),
)
async def reserve_order(
    order_id: OrderId,
    caller: CurrentCaller,
    snapshots: Snapshots,
    long_poll: LongPoll,
    prefer: Prefer,
    idempotency: Idempotency,
    response: Response,
) -> ReserveOrderResult:
    """200 when the stock is reserved, 202 while the reservation is in progress."""
    await idempotency.begin(order_id)
    seen = await long_poll.until(
        order_id,
        partial(snapshots.read_with_reservation, order_id, owner(caller)),
        lambda seen: seen.stopped or _is_reserved(seen),
        prefer.seconds(STEP_WAIT, response),
    )
    if seen.order.closed or seen.order.status in ENDING:
        raise closed(seen.order)
    if seen.reservation and seen.reservation.status == "expired":
        raise ReservationExpired("The reservation has expired. Place a new order.")
    await idempotency.end(response, 200 if _is_reserved(seen) else 202)
    return ReserveOrderResult(
        order_id=order_id,
        status=seen.order.status,
        reservation_id=seen.reservation and seen.reservation.id,
        expires_at=seen.reservation and seen.reservation.expires_at,
    )


@router.post(
    "/{orderId}/pay",
    operation_id="payOrder",
    summary="Pay an order",
    responses=_running(PayOrderResult),
)
async def pay_order(
    order_id: OrderId,
    caller: CurrentCaller,
    orders: Orders,
    snapshots: Snapshots,
    long_poll: LongPoll,
    prefer: Prefer,
    settings: CurrentSettings,
    idempotency: Idempotency,
    response: Response,
    body: PayOrder | None = None,
) -> PayOrderResult:
    """Starts a payment by the given method, or waits for the payment in progress.

    200 when the outcome is known, 202 while it is not. With a `confirmationUrl` the buyer must visit that page.
    """
    method = payment_method(body, settings.phone_region) if body else None
    read = partial(snapshots.read_with_payment, order_id, owner(caller))
    before = await run_in_threadpool(read)
    if before.order.status not in PAID:
        _refuse_unpayable(before, method)
    if method is None or before.order.status in PAID:
        await idempotency.begin(order_id, body)
    elif await run_in_threadpool(orders.give_method, order_id, owner(caller), method, idempotency.request(body)):
        mark_replayed(response)
    if before.order.status in PAID:
        return await _paid(before, idempotency, response)
    seen = await long_poll.until(order_id, read, _is_payment_known, prefer.seconds(STEP_WAIT, response))
    if method is not None and before.payment and seen.payment and seen.payment.id == before.payment.id:
        # The earlier payment failed; the payment by the new method has not started yet.
        seen = replace(seen, payment=None)
    return await _paid(seen, idempotency, response)


@router.post(
    "/{orderId}/confirm",
    operation_id="confirmOrder",
    summary="Wait for the confirmation",
    dependencies=[NO_BODY],
    responses=_running(OrderProgress),
)
async def confirm_order(
    order_id: OrderId,
    caller: CurrentCaller,
    snapshots: Snapshots,
    long_poll: LongPoll,
    prefer: Prefer,
    idempotency: Idempotency,
    response: Response,
) -> OrderProgress:
    """200 when the order is confirmed, 202 while the confirmation is in progress. An unpaid order is refused."""
    await idempotency.begin(order_id)
    seen = await long_poll.until(
        order_id,
        partial(snapshots.read, order_id, owner(caller)),
        lambda seen: seen.order.status is not OrderStatus.PAID or seen.stopped,
        prefer.seconds(STEP_WAIT, response),
    )
    if seen.order.status in ENDING:
        raise closed(seen.order)
    if seen.order.status not in PAID:
        raise InvalidTransition("The order is not paid.")
    await idempotency.end(response, 200 if seen.order.status is OrderStatus.CONFIRMED else 202)
    return OrderProgress(order_id=order_id, status=seen.order.status)


@router.post(
    "/{orderId}/cancel",
    operation_id="cancelOrder",
    summary="Cancel an order",
    responses=_running(OrderProgress),
)
async def cancel_order(
    order_id: OrderId,
    caller: CurrentCaller,
    orders: Orders,
    snapshots: Snapshots,
    long_poll: LongPoll,
    prefer: Prefer,
    idempotency: Idempotency,
    response: Response,
    body: CancelOrder | None = None,
) -> OrderProgress:
    """202 while the steps that were done are being undone, 200 when the order is cancelled."""
    await idempotency.begin(order_id, body)
    operator = caller.kind is CallerKind.OPERATOR
    reason = CancelReason.OPERATOR_REQUEST if operator else CancelReason.BUYER_REQUEST
    note = (body.reason or None) if body else None
    order = await run_in_threadpool(orders.request_cancel, order_id, owner(caller), reason, note)
    seconds = prefer.seconds(0, response)
    if seconds and not order.closed:
        read = partial(snapshots.read, order_id, owner(caller))
        order = (await long_poll.until(order_id, read, lambda seen: seen.idle, seconds)).order
    await idempotency.end(response, 200 if order.status is OrderStatus.CANCELLED else 202)
    return OrderProgress(order_id=order_id, status=order.status)


def _is_reserved(seen: OrderSnapshot) -> bool:
    # The reservation is committed before the status of the order.
    return seen.reservation is not None and seen.order.status is not OrderStatus.CREATED


def _refuse_unpayable(seen: OrderSnapshot, method: PaymentMethod | None) -> None:
    if seen.order.status in ENDING and seen.order.cancel_reason in _EXPIRED:
        raise ReservationExpired("The time to pay has expired. Place a new order.")
    if seen.order.status in ENDING:
        raise closed(seen.order)
    if seen.order.method is None and method is None:
        raise Invalid("The order has no payment method. Send card or phone.")


def _is_payment_known(seen: OrderSnapshot) -> bool:
    pending = seen.order.status is OrderStatus.PAYMENT_PENDING and seen.awaits_provider
    return seen.stopped or pending or seen.order.status in PAID


async def _paid(seen: OrderSnapshot, idempotency: IdempotentOperation, response: Response) -> PayOrderResult:
    payment = seen.payment
    if payment is None and seen.order.status in ENDING:
        raise closed(seen.order)
    await idempotency.end(response, 200 if payment and not payment.undecided else 202)
    return PayOrderResult(
        payment_id=payment and payment.id,
        status=payment.status if payment else "pending",
        confirmation_url=payment and payment.confirmation_url,
    )
