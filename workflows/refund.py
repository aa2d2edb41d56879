"""The workflow that refunds a payment whose money arrived after its order had ended without it."""

from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import (
        ClearAttention,
        RaiseAttention,
        RecordResolution,
        RefundInput,
        RefundLatePayment,
        Resolve,
    )
    from activities.orders import OrderActivities
    from activities.payments import PaymentActivities
    from workflows.attention import Attention
    from workflows.compensation import Undo
    from workflows.lanes import PROVIDER_CALL, TRANSACTION, Lanes, poll_interval
    from workflows.stuck_undo import StuckUndoWatch


@workflow.defn
class RefundWorkflow:
    """`refund-<paymentId>`: looks the payment up, and sends back what was taken; one workflow a payment."""

    @workflow.init
    def __init__(self, late: RefundInput) -> None:
        self._late = late
        self._lanes = Lanes(local=late.local_lane)
        attention = Attention(self._raise_attention, self._clear_attention)
        self._watch = StuckUndoWatch(late.attention_after, attention, self._record_resolution)
        self._refunded_minor = 0

    @workflow.run
    async def run(self, _: RefundInput) -> int:
        """Ends when nothing is owed, or when an operator decides so; returns the minor units sent back."""
        await self._watch.run(Undo(workflow.info().workflow_id, self._refund))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._refunded_minor

    @workflow.update
    async def resolve(self, decision: Resolve) -> str:
        """Resolve a stuck refund; its step is the id of this workflow."""
        return await self._watch.resolve(decision)

    @resolve.validator
    def _check_resolve(self, decision: Resolve) -> None:
        self._watch.check(decision)

    async def _refund(self) -> None:
        message = RefundLatePayment(self._late.order_id, self._late.payment_id)
        looks = 0
        while not (refund := await self._lanes.run(PaymentActivities.refund_late_payment, message, PROVIDER_CALL)).done:
            await asyncio.sleep(poll_interval(looks, refund.retry_after))
            looks += 1
        self._refunded_minor = refund.refunded_minor

    async def _raise_attention(self, reason: str) -> None:
        message = RaiseAttention(self._late.order_id, reason)
        await self._lanes.run(OrderActivities.raise_attention, message, TRANSACTION)

    async def _clear_attention(self, reason: str) -> None:
        message = ClearAttention(self._late.order_id, reason)
        await self._lanes.run(OrderActivities.clear_attention, message, TRANSACTION)

    async def _record_resolution(self, step: str, action: str, reference: str) -> None:
        message = RecordResolution(self._late.order_id, step, action, reference, self._late.payment_id)
        await self._lanes.run(PaymentActivities.record_resolution, message, TRANSACTION)
