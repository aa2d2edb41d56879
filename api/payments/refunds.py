"""Create and get refunds of confirmed orders; for services and operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from api.access.operation_router import OperationRouter
from api.dependencies import Payments
from api.payments.refunding import Creation
from api.payments.schemas import CreateRefund, CreateRefundResult, Refund
from api.requests.amounts import money
from api.requests.fields import Id
from api.requests.idempotency import Idempotency, mark_replayed

router = OperationRouter(prefix="/refunds", tags=["Payments"])


@router.post("", operation_id="createRefund", summary="Create a refund")
def create_refund(
    body: CreateRefund,
    creation: Creation,
    idempotency: Idempotency,
    response: Response,
) -> CreateRefundResult:
    """Refunds the payment of a confirmed order, in part or in full. Any other order is cancelled instead."""
    payment = creation.refundable(body.order_id, body.payment_id)
    amount = money(body.amount, body.currency or payment.amount.currency)
    refund = creation.create(body.order_id, body.payment_id, amount, idempotency.request(body))
    if refund.replayed:
        mark_replayed(response)
    return CreateRefundResult(refund_id=refund.id, status=refund.status)


@router.get("/{refundId}", operation_id="getRefund", summary="Get a refund")
def get_refund(refund_id: Annotated[Id, Path(alias="refundId")], payments: Payments) -> Refund:
    """The refund as recorded."""
    refund = payments.get_refund(refund_id)
    return Refund(
        refund_id=refund.id,
        payment_id=refund.payment_id,
        order_id=refund.order_id,
        status=refund.status,
        amount=refund.amount.text,
        currency=refund.amount.currency,
    )
