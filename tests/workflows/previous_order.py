"""The workflow of an order as the release before the patch `order-status-cancelling` has it."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import OrderInput, OrderOutcome, OrderState, OrderStatus
    from workflows.order import OrderWorkflow


@workflow.defn(name="OrderWorkflow")
class PreviousOrder(OrderWorkflow):
    """It does not know the patch, and writes no status when the cancelling begins."""

    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: OrderInput) -> OrderOutcome:
        return await super().run(order)

    def _begin_undo(self, state: OrderState) -> None:
        self._status = OrderStatus.CANCELLING
