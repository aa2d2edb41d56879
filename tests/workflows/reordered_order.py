"""The workflow of an order after a change of the order of its commands without `workflow.patched()`."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import OrderInput, OrderOutcome
    from workflows.order import OrderWorkflow


@workflow.defn(name="OrderWorkflow")
class ReorderedOrder(OrderWorkflow):
    """It begins with a timer: no worker of another build can replay its orders, and it can replay none of theirs."""

    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: OrderInput) -> OrderOutcome:
        await workflow.sleep(timedelta(milliseconds=1), summary="a new first command")
        return await super().run(order)
