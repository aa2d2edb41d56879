"""A workflow after an incompatible change, to see that replays fail."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import OrderInput, OrderOutcome, OrderStatus, ReleaseStock
    from activities.reservations import ReservationActivities
    from workflows.lanes import TRANSACTION, Lanes


@workflow.defn(name="OrderWorkflow")
class ChangedOrder:
    """The order's workflow after a change without `workflow.patched()`: it undoes first."""

    @workflow.run
    async def run(self, order: OrderInput) -> OrderOutcome:
        lanes = Lanes(local=order.local_lane)
        await lanes.run(ReservationActivities.release_stock, ReleaseStock(order.order_id), TRANSACTION)
        return OrderOutcome(OrderStatus.CONFIRMED)
