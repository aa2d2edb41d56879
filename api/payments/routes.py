"""Payments over REST, for services and operators; and what the providers themselves send."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from starlette.concurrency import run_in_threadpool

from api.access.guarded_route import GuardedRoute
from api.dependencies import CurrentCaller, CurrentServices, IdempotencyKey, Waiters, idempotent
from api.orders import snapshot
from api.orders.payment_method import mobile
from api.orders.snapshot import ENDING, Seen, closed
from api.payments.schemas import CreatePayment, CreatePaymentResult, Payment
from api.requests.amounts import money
from api.requests.fields import Id
from api.requests.prefer import STEP_WAIT, AskedPatience
from services.bootstrap import Services
from services.errors import AmountMismatch, CurrencyMismatch, InvalidTransition, ReservationExpired
from services.idempotency import Idempotent
from services.money import Money
from services.orders.views import CancelReason, OrderView, PaymentMethod

router = APIRouter(prefix="/payments", tags=["Payments"], route_class=GuardedRoute)

EXPIRED = (CancelReason.RESERVATION_EXPIRED, CancelReason.PAYMENT_EXPIRED)
PaymentId = Annotated[Id, Path(alias="paymentId")]


@router.post(
    "",
    status_code=201,
    operation_id="createPayment",
    summary="Pay an order that is being driven",
    responses={202: {"model": CreatePaymentResult, "description": "The order has not come to it yet."}},
)
async def create_payment(
    body: CreatePayment,
    caller: CurrentCaller,
    services: CurrentServices,
    waiting: Waiters,
    patience: AskedPatience,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> CreatePaymentResult:
    """Gives the order its way to pay, and waits a little for the payment that comes of it."""
    amount = money(body.amount, body.currency)
    method = _method(body, services.settings.phone_region)
    key = idempotent(caller, "POST /payments", idempotency_key, body.model_dump(mode="json"))
    look = snapshot.with_payment(services, body.order_id, None)
    before = await look()
    _check_amount(before.order, amount)
    replayed = await run_in_threadpool(_give, services, body.order_id, method, key)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    old = before.payment.id if before.payment and not replayed else None
    seen = await waiting.until(
        body.order_id, look, lambda seen: _is_known(seen, old), patience.seconds(STEP_WAIT, response)
    )
    return _made(seen, old, response)


@router.get("/{paymentId}", operation_id="getPayment", summary="A payment")
def get_payment(payment_id: PaymentId, services: CurrentServices) -> Payment:
    """As our books have it; never the token or the number that paid."""
    payment = services.payments.get(payment_id)
    return Payment(
        payment_id=payment.id,
        order_id=payment.order_id,
        status=payment.status,
        amount=payment.amount.text,
        currency=payment.amount.currency,
        method=payment.method,
    )


def _method(body: CreatePayment, region: str) -> PaymentMethod:
    if body.card_token is not None:
        return PaymentMethod(card=body.card_token)
    return mobile(body.phone or "", region)


def _check_amount(order: OrderView, amount: Money) -> None:
    if amount.currency != order.total.currency:
        raise CurrencyMismatch("The order is in another currency.", pointer="/currency")
    if amount != order.total:
        raise AmountMismatch("A payment is of the order's whole total.", pointer="/amount")


def _give(services: Services, order_id: UUID, method: PaymentMethod, key: Idempotent | None) -> bool:
    try:
        return services.orders.give_method(order_id, None, method, key)
    except InvalidTransition:
        order = services.orders.get(order_id)
        if order.cancel_reason in EXPIRED:
            raise ReservationExpired("The time to pay is over: place a new order.") from None
        raise closed(order) from None


def _is_known(seen: Seen, old: UUID | None) -> bool:
    payment = seen.payment
    if payment is None or payment.id == old:
        return seen.over
    return seen.over or seen.waits_outside or not payment.undecided


def _made(seen: Seen, old: UUID | None, response: Response) -> CreatePaymentResult:
    payment = seen.payment if seen.payment and seen.payment.id != old else None
    if payment is None and seen.order.status in ENDING:
        raise closed(seen.order)
    if payment is None:
        response.status_code = 202
        return CreatePaymentResult(payment_id=None, status="pending")
    return CreatePaymentResult(payment_id=payment.id, status=payment.status)
