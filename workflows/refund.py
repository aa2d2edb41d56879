"""Giving back money that came after its order had ended without it; one workflow a payment, so once."""

from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import RefundInput, RefundLatePayment
    from activities.payments import PaymentActivities
    from workflows.steps import EXCHANGE, LOOK_AGAIN, two_lanes


@workflow.defn
class RefundWorkflow:
    """`refund-<paymentId>`: looks the payment up, and returns what was taken."""

    @workflow.run
    async def run(self, late: RefundInput) -> int:
        """Ends when nothing is owed; returns the minor units given back."""
        message = RefundLatePayment(late.order_id, late.payment_id)
        look = 0
        while True:
            returned = await two_lanes(
                PaymentActivities.refund_late_payment,
                message,
                name=f"refund_late_payment-{look}",
                intent=EXCHANGE,
                local=late.local_lane,
            )
            if returned.done:
                return returned.refunded_minor
            await asyncio.sleep(max(returned.look_again, LOOK_AGAIN[min(look, len(LOOK_AGAIN) - 1)]))
            look += 1
