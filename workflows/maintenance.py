"""Background work as workflows: visible in the Web UI, and independent of any one process."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.notifications import NotificationActivities
    from activities.outbox import OutboxActivities
    from activities.payments import PaymentActivities
    from activities.reservations import ReservationActivities

#: Runs of the long-polling activity (10 min each) until continue-as-new.
RUNS = 6


def _long_running(name: str) -> workflow.ActivityConfig:
    return workflow.ActivityConfig(
        activity_id=name,
        start_to_close_timeout=timedelta(minutes=11),
        heartbeat_timeout=timedelta(seconds=5),
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=5)),
    )


@workflow.defn
class OutboxRelayWorkflow:
    """`outbox-relay`: one run at a time."""

    @workflow.run
    async def run(self) -> None:
        """Deliver the commands of the outbox; never ends."""
        for _ in range(RUNS):
            await workflow.execute_activity_method(OutboxActivities.relay_outbox, **_long_running("relay_outbox"))
        workflow.continue_as_new()


@workflow.defn
class NotificationDispatchWorkflow:
    """`notification-dispatch`: one run at a time."""

    @workflow.run
    async def run(self) -> None:
        """Queue and send notifications; never ends."""
        for _ in range(RUNS):
            await workflow.execute_activity_method(
                NotificationActivities.dispatch_notifications, **_long_running("dispatch_notifications")
            )
        workflow.continue_as_new()


@workflow.defn
class SweepWorkflow:
    """Started by a schedule every 60 s: ends expired holds and continues refunds that wait."""

    @workflow.run
    async def run(self) -> int:
        """Returns how many holds were ended."""
        swept = await workflow.execute_activity_method(
            ReservationActivities.sweep_reservations,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(maximum_attempts=3),
        )
        await workflow.execute_activity_method(
            PaymentActivities.continue_refunds,
            start_to_close_timeout=timedelta(minutes=5),
            retry_policy=RetryPolicy(maximum_attempts=3),
        )
        return swept.holds
