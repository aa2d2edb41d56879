"""Pay an order: start a payment by the given method, or wait for the payment in progress."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentSettings, Orders, Payments
from api.orders.payment_method import payment_method
from api.orders.request_schemas import PayOrder
from api.orders.return_url import Returning
from api.orders.schemas import PayOrderResult
from api.orders.snapshot import ENDING, PAID, OrderSnapshot, Snapshots, closed
from api.orders.step_wait import StepWait, in_progress
from api.requests.idempotency import Idempotency, IdempotentOperation
from services.errors import Invalid, ReservationExpired
from services.orders.views import CancelReason, OrderStatus, PaymentMethod

router = OperationRouter(prefix="/orders", tags=["Orders"])

_EXPIRED = (CancelReason.RESERVATION_EXPIRED, CancelReason.PAYMENT_EXPIRED)


@router.post(
    "/{orderId}/pay",
    operation_id="payOrder",
    summary="Pay an order",
    responses=in_progress(PayOrderResult),
)
async def pay_order(
    wait: StepWait,
    orders: Orders,
    payments: Payments,
    snapshots: Snapshots,
    returning: Returning,
    settings: CurrentSettings,
    idempotency: Idempotency,
    response: Response,
    body: PayOrder | None = None,
) -> PayOrderResult:
    """Starts a payment by the given method, or waits for the payment in progress.

    200 when the outcome is known, 202 while it is not. With a `confirmationUrl` the buyer must visit that page.
    """
    method = payment_method(body, settings.phone_region) if body else None
    return_url = returning.checked(body.return_url) if body else None
    order_id, read = wait.order_id, snapshots.read_with_payment
    before = await run_in_threadpool(read, order_id, wait.buyer)
    if method is not None:
        payments.check_method(method.kind, before.order.total, len(before.order.lines), f"/{method.kind}")
    if before.order.status not in PAID:
        _refuse_unpayable(before, method)
    if method is None or before.order.status in PAID:
        await idempotency.begin(order_id, body)
    else:
        request = idempotency.request(body)
        give = partial(orders.give_method, order_id, wait.buyer, method, request, return_url=return_url)
        idempotency.joined(await run_in_threadpool(give), body)
    if before.order.status in PAID:
        return await _paid(before, idempotency, response)
    seen = await wait.until(read, _is_payment_known)
    if method is not None and before.payment and seen.payment and seen.payment.id == before.payment.id:
        # The earlier payment failed; the payment by the new method has not started yet.
        seen = replace(seen, payment=None)
    return await _paid(seen, idempotency, response)


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
