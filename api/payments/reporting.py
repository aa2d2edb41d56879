"""Payment reports and webhooks: stored by the payments service, then passed on to the order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends

from api.dependencies import Orders, Payments
from api.payments.refund_ends import Ends, RefundEnds
from services import tracing
from services.errors import PaymentOrderMismatch
from services.orders.service import OrderService
from services.payments.service import PaymentService
from services.payments.status import RefundStatus
from services.payments.views import PaymentStatusReport, PaymentView, WebhookReceipt


@dataclass(frozen=True)
class PaymentReports:
    """Accepts reports over payments and orders; a report only makes the order's workflow ask the provider.

    A webhook about a refund is looked up here: the workflow of a confirmed order has ended.
    The order is notified also when the message is a repeat: the first time may have ended in between.
    """

    orders: OrderService
    payments: PaymentService
    ends: RefundEnds

    def accept_signed(self, message_id: str, payment_id: UUID, reported_id: UUID, report: PaymentStatusReport) -> None:
        """A signed report, of the payment in the path. Raises NotFound, PaymentOrderMismatch."""
        self.payments.get(payment_id)
        if reported_id != payment_id:
            raise PaymentOrderMismatch("Path and body name different payments.")
        self._accept(f"notify:{message_id}", payment_id, report)

    def accept_for_order(self, order_id: UUID, payment_id: UUID, report: PaymentStatusReport) -> PaymentView:
        """A report about a payment of this order. Raises NotFound, PaymentOrderMismatch."""
        self.orders.get(order_id)
        return self._accept(f"status:{uuid4()}", payment_id, report, order_id)

    def accept_webhook(self, gateway: str, headers: Mapping[str, str], body: bytes, source: str | None) -> None:
        """A provider's own webhook. Raises NotFound (unknown gateway or payment), InvalidSignature, Unavailable."""
        received = self.payments.receive_webhook(gateway, headers, body, source)
        if received is None:
            return
        self._link(received.order_id)
        key = f"{gateway}:{hashlib.sha256(body).hexdigest()[:32]}"
        if received.refund_id is not None and self._record_refund(received, received.refund_id):
            self.orders.notice_refund(received.order_id, received.payment_id, key)
        else:
            self.orders.notice_payment(received.order_id, received.payment_id, key, late=received.late)

    def _link(self, order_id: UUID) -> None:
        tracing.link(lambda: self.orders.start_input(order_id).get("traceparent", ""))

    def _record_refund(self, received: WebhookReceipt, refund_id: str) -> bool:
        """Record the refund and write it into the timeline; False when its payment is not captured in our books yet."""
        self.payments.record_provider_refunds(received.payment_id, refund_id)
        ended = [each for each in self.payments.refunds_of(received.order_id) if each.status != RefundStatus.PENDING]
        self.ends.record(ended)
        return self.payments.get(received.payment_id).captured_minor > 0

    def _accept(
        self, message_id: str, payment_id: UUID, report: PaymentStatusReport, order_id: UUID | None = None
    ) -> PaymentView:
        payment, received = self.payments.receive_report(message_id, payment_id, report, order_id)
        agrees = received is not None and received.late and report.status == "failed"
        if received is not None:
            self._link(received.order_id)
        if received is not None and not agrees:
            self.orders.notice_payment(received.order_id, payment_id, message_id, late=received.late)
        return payment


async def _reports(orders: Orders, payments: Payments, ends: Ends) -> PaymentReports:
    return PaymentReports(orders, payments, ends)


Reports = Annotated[PaymentReports, Depends(_reports)]
