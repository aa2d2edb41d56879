"""What payment providers and their go-betweens tell of payments: hints, which are checked with the provider."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive

from api.access.guarded_route import GuardedRoute, Handler
from api.payments.reporting import Reports
from api.payments.schemas import PaymentStatusReport, ReportedPayment, SignedPaymentStatusReport, WebhookAcknowledgement
from api.requests.amounts import money
from api.requests.body import StrictRequest
from api.requests.client_address import address_of
from api.requests.fields import Id, OrderId
from api.requests.idempotency import KEY_ACCEPTED
from api.state import state_of
from services.payments.views import News


class SignedRoute(GuardedRoute):
    """A route for messages that are proven by a signature: nothing of them is read before that is checked."""

    def get_route_handler(self) -> Handler:
        """The raw body is what was signed; it is then read as always, for 415, 400 and 422."""
        handle = super().get_route_handler()

        async def signed(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            strict.refuse_announced()
            body = await strict.body()
            payments = state_of(request.app).services.payments
            request.state.message_id = await run_in_threadpool(payments.verify_news, request.headers.items(), body)
            return await handle(Request(request.scope, _replay(body)))

        return signed


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


router = APIRouter(tags=["Payments"], route_class=SignedRoute)
status_router = APIRouter(prefix="/orders", tags=["Payments"], route_class=GuardedRoute)
gateway_router = APIRouter(prefix="/payments", tags=["Payments"], route_class=GuardedRoute)

PaymentId = Annotated[Id, Path(alias="paymentId")]


@router.post(
    "/payments/{paymentId}/notify", operation_id="notifyPayment", summary="Signed news of a payment (Standard Webhooks)"
)
async def notify_payment(
    payment_id: PaymentId,
    body: SignedPaymentStatusReport,
    request: Request,
    reports: Reports,
    webhook_id: Annotated[str, Header(alias="webhook-id", description="Names the message; taken once.")],
    webhook_timestamp: Annotated[str, Header(alias="webhook-timestamp", description="Unix seconds; 300 either way.")],
) -> WebhookAcknowledgement:
    """A hint that is confirmed with the provider; another amount than ours puts the payment under review at once.

    401 without a good signature; 404 for an unknown payment, and the message is to be sent again.
    """
    del webhook_id, webhook_timestamp  # the signature's check has read them, before anything else
    message_id: str = request.state.message_id
    report = News(body.status, money(body.amount, body.currency), body.failure_code, body.failure_message)
    await run_in_threadpool(reports.accept_signed, message_id, payment_id, body.payment_id, report)
    return WebhookAcknowledgement()


@status_router.post(
    "/{orderId}/payment-status",
    operation_id="tellPaymentStatus",
    summary="News of a payment of an order",
    dependencies=[KEY_ACCEPTED],
)
def tell_payment_status(
    order_id: OrderId,
    body: PaymentStatusReport,
    reports: Reports,
) -> ReportedPayment:
    """A hint that is confirmed with the provider; stale news is taken and changes nothing."""
    report = News(body.status, None, body.failure_code, body.failure_message)
    payment = reports.accept_for_order(order_id, body.payment_id, report)
    return ReportedPayment(order_id=order_id, payment_id=payment.id, status=payment.status)


@gateway_router.post(
    "/webhooks/{gateway}", operation_id="receiveGatewayWebhook", summary="A payment provider's own webhook"
)
async def receive_gateway_webhook(
    request: Request, gateway: Annotated[str, Path(pattern="^[a-z]{1,32}$")], reports: Reports
) -> WebhookAcknowledgement:
    """A hint only: the provider is asked before anything depends on it. 404 has the provider send it again."""
    body = await request.body()
    await run_in_threadpool(reports.accept_webhook, gateway, dict(request.headers), body, address_of(request))
    return WebhookAcknowledgement()
