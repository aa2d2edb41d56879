"""A workflow that was changed without care, to see replays fail."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import OrderInput, OrderOutcome, ReleaseStock
    from activities.reservations import ReservationActivities
    from workflows.lanes import TRANSACTION, two_lanes


@workflow.defn(name="OrderWorkflow")
class Careless:
    """The same workflow after a careless change: it undoes first."""

    @workflow.run
    async def run(self, order: OrderInput) -> OrderOutcome:
        await two_lanes(
            ReservationActivities.release_stock,
            ReleaseStock(order.order_id),
            name="release_stock",
            intent=TRANSACTION,
            local=order.local_lane,
        )
        return OrderOutcome("confirmed")
