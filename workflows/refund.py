"""The workflow that refunds a payment whose money arrived after its order had ended without it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import (
        ClearAttention,
        RaiseAttention,
        RecordResolution,
        RefundInput,
        RefundLatePayment,
        RefundState,
        Resolve,
    )
    from activities.orders import OrderActivities
    from activities.payments import PaymentActivities
    from workflows import states
    from workflows.attention import Attention
    from workflows.compensation import Undo
    from workflows.current_details import CurrentDetails
    from workflows.lanes import PROVIDER_CALL, TRANSACTION, Lanes, poll_interval
    from workflows.order_steps import ask_for_person, person_not_needed, write_decision
    from workflows.stuck_undo import NEXT_TRIES, RESOLVE, StuckUndoWatch, end_of_wait, update_id


@workflow.defn
class RefundWorkflow:
    """`refund-<paymentId>`: looks the payment up, and sends back what was taken; one workflow a payment."""

    @workflow.init
    def __init__(self, late: RefundInput) -> None:
        self._late = late
        self._lanes = Lanes(local=late.local_lane)
        self._details = CurrentDetails(late.attention_after)
        attention = Attention(self._raise_attention, self._clear_attention, self._details.show_needed)
        self._watch = StuckUndoWatch(late.attention_after, attention, self._record_resolution)
        self._refunded_minor = 0
        self._updated = False

    @workflow.run
    async def run(self, _: RefundInput) -> int:
        """Ends when nothing is owed, or when an operator decides so; returns the minor units sent back."""
        self._details.show(states.RETURNING)
        await self._watch.run(Undo(workflow.info().workflow_id, self._refund))
        self._details.show(states.RETURNED)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._refunded_minor

    @workflow.signal(
        description="The provider decided about this refund: ask it now, instead of at the end of the timer. "
        "Sent by the shop; it takes no input."
    )
    def payment_updated(self) -> None:
        """The provider decided about a refund of this payment; the provider is asked before anything depends on it."""
        self._updated = True

    @workflow.update(description=RESOLVE)
    async def resolve(self, decision: Resolve) -> str:
        """Resolve a stuck refund; its step is the id of this workflow."""
        return await self._watch.resolve(decision, update_id())

    @resolve.validator
    def _check_resolve(self, decision: Resolve) -> None:
        self._watch.check(decision)

    @workflow.query(description=NEXT_TRIES)
    def next_tries(self) -> dict[str, str]:
        """When the refund, if it waits for the provider, runs again."""
        return self._watch.tries

    async def _refund(self) -> None:
        message = RefundLatePayment(self._late.order_id, self._late.payment_id)
        looks = 0
        while not (refund := await self._send_back(message)).done:
            seconds = poll_interval(looks, refund.retry_after)
            self._watch.waits(workflow.info().workflow_id, refund.waiting, seconds)
            self._details.show(states.returning(end_of_wait(refund.waiting)))
            await self._pause(seconds)
            looks += 1
        self._refunded_minor = refund.refunded_minor

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the provider's decision is reported."""
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._updated, timeout=timedelta(seconds=seconds), timeout_summary="ask the provider again"
            )
        self._updated = False

    async def _send_back(self, message: RefundLatePayment) -> RefundState:
        return await self._lanes.run(
            PaymentActivities.refund_late_payment,
            message,
            PROVIDER_CALL,
            summary="ask about the late payment and send its money back",
        )

    async def _raise_attention(self, reason: str) -> None:
        message = RaiseAttention(self._late.order_id, reason)
        await self._lanes.run(OrderActivities.raise_attention, message, TRANSACTION, summary=ask_for_person(reason))

    async def _clear_attention(self, reason: str) -> None:
        message = ClearAttention(self._late.order_id, reason)
        await self._lanes.run(OrderActivities.clear_attention, message, TRANSACTION, summary=person_not_needed(reason))

    async def _record_resolution(self, decision: Resolve, decision_id: str) -> None:
        late, step, action, reference = self._late, decision.step, decision.action, decision.reference
        message = RecordResolution(late.order_id, step, action, reference, late.payment_id, decision_id, decision.by)
        await self._lanes.run(
            PaymentActivities.record_resolution, message, TRANSACTION, summary=write_decision(decision)
        )
