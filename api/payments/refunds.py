"""Refunds over REST, for services and operators: a part or all of what a confirmed order was paid with."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from api.access.guarded_route import GuardedRoute
from api.dependencies import CurrentCaller, CurrentServices, IdempotencyKey, idempotent
from api.payments.schemas import CreateRefund, CreateRefundResult, Refund
from api.requests.amounts import money
from api.requests.fields import Id
from services.bootstrap import Services
from services.errors import InvalidTransition, PaymentOrderMismatch
from services.orders.views import OrderStatus
from services.payments.views import PaymentView, RefundView

router = APIRouter(prefix="/refunds", tags=["Payments"], route_class=GuardedRoute)


@router.post("", status_code=201, operation_id="createRefund", summary="Send back a part or all of a payment")
def create_refund(
    body: CreateRefund,
    caller: CurrentCaller,
    services: CurrentServices,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> CreateRefundResult:
    """Of a confirmed order: any other is cancelled instead, which sends back all. The buyer is told."""
    payment = _payment(services, body.order_id, body.payment_id)
    amount = money(body.amount, body.currency or payment.amount.currency)
    key = idempotent(caller, "POST /refunds", idempotency_key, body.model_dump(mode="json"))
    refund = services.payments.refund(body.order_id, body.payment_id, amount, idempotent=key)
    if refund.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    _tell(services, refund)
    return CreateRefundResult(refund_id=refund.id, status=refund.status)


@router.get("/{refundId}", operation_id="getRefund", summary="A refund")
def get_refund(refund_id: Annotated[Id, Path(alias="refundId")], services: CurrentServices) -> Refund:
    """As our books have it."""
    refund = services.payments.get_refund(refund_id)
    return Refund(
        refund_id=refund.id,
        payment_id=refund.payment_id,
        order_id=refund.order_id,
        status=refund.status,
        amount=refund.amount.text,
        currency=refund.amount.currency,
    )


def _payment(services: Services, order_id: UUID, payment_id: UUID) -> PaymentView:
    order = services.orders.get(order_id)
    payment = services.payments.get(payment_id)
    if payment.order_id != order_id:
        raise PaymentOrderMismatch("This payment belongs to another order.")
    if order.status is not OrderStatus.CONFIRMED:
        # Whatever an order that is not confirmed took is sent back by its own process.
        raise InvalidTransition(f"The order is {order.status}: only what paid a confirmed order can be refunded.")
    return payment


def _tell(services: Services, refund: RefundView) -> None:
    # What this process does not come to, the sweep does.
    if refund.status != "pending":
        services.order_transitions.record_refund(refund.order_id, refund.id, refund.amount.minor, refund.failure_code)
        services.payments.mark_reported([refund.id])
