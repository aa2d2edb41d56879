"""Background work as workflows, so that it can be seen, paused, and survives any one process."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.notifications import NotificationActivities
    from activities.outbox import OutboxActivities
    from activities.payments import PaymentActivities
    from activities.reservations import ReservationActivities

#: Runs of the long-polling activity (10 min each) until the history is begun anew.
RUNS = 6


def _for_ever(name: str) -> workflow.ActivityConfig:
    return workflow.ActivityConfig(
        activity_id=name,
        start_to_close_timeout=timedelta(minutes=11),
        heartbeat_timeout=timedelta(seconds=5),
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=5)),
    )


@workflow.defn
class OutboxRelayWorkflow:
    """`outbox-relay`: one at a time."""

    @workflow.run
    async def run(self) -> None:
        """Deliver commands for ever."""
        for _ in range(RUNS):
            await workflow.execute_activity_method(OutboxActivities.relay_outbox, **_for_ever("relay_outbox"))
        workflow.continue_as_new()


@workflow.defn
class NotificationDispatchWorkflow:
    """`notification-dispatch`: one at a time."""

    @workflow.run
    async def run(self) -> None:
        """Send messages for ever."""
        for _ in range(RUNS):
            await workflow.execute_activity_method(
                NotificationActivities.dispatch_notifications, **_for_ever("dispatch_notifications")
            )
        workflow.continue_as_new()


@workflow.defn
class SweepWorkflow:
    """Started by a schedule every 60 s: ends holds whose time is over, and goes on with refunds that wait."""

    @workflow.run
    async def run(self) -> int:
        """Returns how many holds were ended."""
        swept = await workflow.execute_activity_method(
            ReservationActivities.sweep_reservations,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(maximum_attempts=3),
        )
        # A sweep that was open when this came may have to replay without it.
        if workflow.patched("settle-refunds"):
            await workflow.execute_activity_method(
                PaymentActivities.continue_refunds,
                start_to_close_timeout=timedelta(minutes=5),
                retry_policy=RetryPolicy(maximum_attempts=3),
            )
        return swept.holds
