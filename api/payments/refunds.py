"""Create and get refunds of confirmed orders; for services and operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, Payments
from api.payments.refunding import Creation
from api.payments.schemas import CreateRefund, CreateRefundResult, Refund
from api.requests.amounts import money
from api.requests.fields import Id
from api.requests.idempotency import Idempotency, mark_replayed
from services.identity.views import CallerKind

router = OperationRouter(prefix="/refunds", tags=["Payments"])


@router.post("", operation_id="createRefund", summary="Create a refund")
def create_refund(
    body: CreateRefund,
    caller: CurrentCaller,
    creation: Creation,
    idempotency: Idempotency,
    response: Response,
) -> CreateRefundResult:
    """Refunds the payment of a confirmed order, in part or in full. Any other order is cancelled instead.

    With `restock` the goods of the order go back to stock, once, when the refund has succeeded.
    """
    stated = money(body.amount, body.currency) if body.currency else None  # 422 comes before 404 (contract, section 1)
    payment = creation.refundable(body.order_id, body.payment_id)
    amount = stated or money(body.amount, payment.amount.currency)
    refund = creation.create(body.order_id, body.payment_id, amount, idempotency.request(body), restock=body.restock)
    if caller.kind is CallerKind.OPERATOR:
        creation.record_operator(refund, caller.identity)
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
