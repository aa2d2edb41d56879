"""Create and get payments; for services and operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentSettings, Payments
from api.orders.payment_method import mobile
from api.payments.creating import Creation
from api.payments.schemas import CreatePayment, CreatePaymentResult, Payment
from api.requests.amounts import money
from api.requests.fields import Id
from api.requests.idempotency import Idempotency, mark_replayed
from api.requests.prefer import STEP_WAIT, Prefer
from services.orders.views import PaymentMethod

router = OperationRouter(prefix="/payments", tags=["Payments"])

PaymentId = Annotated[Id, Path(alias="paymentId")]


@router.post(
    "",
    operation_id="createPayment",
    summary="Create a payment",
    responses={202: {"model": CreatePaymentResult, "description": "The payment has not started yet."}},
)
async def create_payment(
    body: CreatePayment,
    creation: Creation,
    settings: CurrentSettings,
    idempotency: Idempotency,
    prefer: Prefer,
    response: Response,
) -> CreatePaymentResult:
    """Gives the order a payment method and waits for the payment that its workflow starts."""
    amount = money(body.amount, body.currency)
    method = _method(body, settings.phone_region)
    wait = prefer.seconds(STEP_WAIT, response)
    created = await creation.create(body.order_id, amount, method, idempotency.request(body), wait)
    if created.replayed:
        mark_replayed(response)
    if created.payment is None:
        response.status_code = 202
        return CreatePaymentResult(payment_id=None, status="pending")
    return CreatePaymentResult(payment_id=created.payment.id, status=created.payment.status)


@router.get("/{paymentId}", operation_id="getPayment", summary="Get a payment")
def get_payment(payment_id: PaymentId, payments: Payments) -> Payment:
    """Without the card token or phone number that paid."""
    payment = payments.get(payment_id)
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
