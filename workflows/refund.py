"""Giving back money that came after its order had ended without it; one workflow a payment, so once."""

from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import RaiseAttention, RecordResolution, RefundInput, RefundLatePayment, Resolve
    from activities.orders import OrderActivities
    from activities.payments import PaymentActivities
    from workflows.lanes import EXCHANGE, LOOK_AGAIN, TRANSACTION, two_lanes
    from workflows.stuck_undo import Watch


@workflow.defn
class RefundWorkflow:
    """`refund-<paymentId>`: looks the payment up, and returns what was taken."""

    @workflow.init
    def __init__(self, late: RefundInput) -> None:
        self._late = late
        self._watch = Watch(late.attention_after, self._raise_attention, self._record_resolution)
        self._returned = 0

    @workflow.run
    async def run(self, _: RefundInput) -> int:
        """Ends when nothing is owed, or when a person says so; returns the minor units given back."""
        # Refunds that were open when this came replay without it.
        if workflow.patched("attention"):
            await self._watch.over(workflow.info().workflow_id, self._give_back)
        else:
            await self._give_back()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._returned

    @workflow.update
    async def resolve(self, decision: Resolve) -> str:
        """An operator settles a refund that is stuck; its step is this workflow's id."""
        return await self._watch.resolve(decision)

    @resolve.validator
    def _check_resolve(self, decision: Resolve) -> None:
        self._watch.check(decision)

    async def _give_back(self) -> None:
        message = RefundLatePayment(self._late.order_id, self._late.payment_id)
        look = 0
        while True:
            returned = await two_lanes(
                PaymentActivities.refund_late_payment,
                message,
                name=f"refund_late_payment-{look}",
                intent=EXCHANGE,
                local=self._late.local_lane,
            )
            if returned.done:
                self._returned = returned.refunded_minor
                return
            await asyncio.sleep(max(returned.look_again, LOOK_AGAIN[min(look, len(LOOK_AGAIN) - 1)]))
            look += 1

    async def _raise_attention(self, reason: str | None) -> None:
        await two_lanes(
            OrderActivities.raise_attention,
            RaiseAttention(self._late.order_id, reason),
            name="raise_attention",
            intent=TRANSACTION,
            local=self._late.local_lane,
        )

    async def _record_resolution(self, step: str, action: str, reference: str) -> None:
        await two_lanes(
            PaymentActivities.record_resolution,
            RecordResolution(self._late.order_id, step, action, reference, self._late.payment_id),
            name="record_resolution",
            intent=TRANSACTION,
            local=self._late.local_lane,
        )
