"""Status reports and webhooks of payments. Each is verified with the payment provider before it takes effect."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive

from api.access.guarded_route import GuardedRoute, Handler
from api.access.operation_router import OperationRouter
from api.payments.reporting import Reports
from api.payments.schemas import PaymentStatusReport, ReportedPayment, SignedPaymentStatusReport, WebhookAcknowledgement
from api.requests.amounts import money
from api.requests.body import StrictRequest
from api.requests.client_address import address_of
from api.requests.fields import Id, OrderId
from api.state import state_of
from services.payments import views


class SignedRoute(GuardedRoute):
    """A route whose requests are authenticated by a signature, which is checked before the body is parsed."""

    def get_route_handler(self) -> Handler:
        """Verify the signature of the raw body, then handle the request like any other (415, 400, 422)."""
        handle = super().get_route_handler()

        async def signed(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            strict.refuse_announced()
            body = await strict.body()
            payments = state_of(request.app).services.payments
            request.state.message_id = await run_in_threadpool(payments.verify_report, request.headers.items(), body)
            return await handle(Request(request.scope, _replay(body)))

        return signed


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


router = OperationRouter(tags=["Payments"], route_class=SignedRoute)
status_router = OperationRouter(prefix="/orders", tags=["Payments"])
gateway_router = OperationRouter(prefix="/payments", tags=["Payments"])

PaymentId = Annotated[Id, Path(alias="paymentId")]


@router.post(
    "/payments/{paymentId}/notify", operation_id="notifyPayment", summary="Receive a signed payment notification"
)
async def notify_payment(
    payment_id: PaymentId,
    body: SignedPaymentStatusReport,
    request: Request,
    reports: Reports,
    webhook_id: Annotated[str, Header(alias="webhook-id", description="Id of the message; has one effect.")],
    webhook_timestamp: Annotated[
        str, Header(alias="webhook-timestamp", description="Unix time in seconds; valid for 300 s.")
    ],
) -> WebhookAcknowledgement:
    """Standard Webhooks. The status is verified with the provider; a different amount puts the payment into `review`.

    401 without a valid signature. 404 for an unknown payment: the sender should try again later.
    """
    del webhook_id, webhook_timestamp  # read when the signature was checked
    message_id: str = request.state.message_id
    report = views.PaymentStatusReport(
        body.status, money(body.amount, body.currency), body.failure_code, body.failure_message
    )
    await run_in_threadpool(reports.accept_signed, message_id, payment_id, body.payment_id, report)
    return WebhookAcknowledgement()


@status_router.post(
    "/{orderId}/payment-status",
    operation_id="reportPaymentStatus",
    summary="Report the status of a payment",
)
def report_payment_status(
    order_id: OrderId,
    body: PaymentStatusReport,
    reports: Reports,
) -> ReportedPayment:
    """The status is verified with the provider before it takes effect. An outdated report is accepted and ignored."""
    report = views.PaymentStatusReport(body.status, None, body.failure_code, body.failure_message)
    payment = reports.accept_for_order(order_id, body.payment_id, report)
    return ReportedPayment(order_id=order_id, payment_id=payment.id, status=payment.status)


@gateway_router.post(
    "/webhooks/{gateway}", operation_id="receiveGatewayWebhook", summary="Receive a webhook of a payment gateway"
)
async def receive_gateway_webhook(
    request: Request, gateway: Annotated[str, Path(pattern="^[a-z]{1,32}$")], reports: Reports
) -> WebhookAcknowledgement:
    """The event is verified with the provider before it takes effect. 404 makes the provider send it again."""
    body = await request.body()
    await run_in_threadpool(reports.accept_webhook, gateway, dict(request.headers), body, address_of(request))
    return WebhookAcknowledgement()
