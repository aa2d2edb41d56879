"""Background work as workflows: visible in the Web UI, and independent of any one process."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import CancelledError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.messages import PeriodicJob
    from activities.notifications import NotificationActivities
    from activities.outbox import OutboxActivities
    from activities.webhooks import WebhookActivities
    from workflows.compensation import root_cause

#: Runs of the long-polling activity (10 min each) until continue-as-new.
RUNS = 6
_ALWAYS = "It is always running: its activity waits for work, and is started again every ten minutes."
#: What each job does, by its activity.
DOES = {
    "sweep_reservations": "Releases goods whose hold has expired.",
    "recover_orders": "Starts the workflows of open orders that have none.",
    "watch_orders": "Asks for a person when an order stands still or its workflow keeps failing.",
    "continue_refunds": "Asks the payment provider about refunds that are not decided.",
    "delete_old_rows": "Deletes rows that are older than the shop keeps them.",
    "reconcile": "Checks the invariants of orders, money and stock.",
    "find_provider_refunds": "Looks for refunds that were made on the payment provider's own page.",
    "find_provider_payments": "Looks for payments at the provider that the shop does not know.",
}


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
        workflow.set_current_details(f"Starts the workflows of new orders, and sends them what happens. {_ALWAYS}")
        for _ in range(RUNS):
            await workflow.execute_activity_method(OutboxActivities.relay_outbox, **_long_running("relay_outbox"))
        workflow.continue_as_new()


@workflow.defn
class NotificationDispatchWorkflow:
    """`notification-dispatch`: one run at a time."""

    @workflow.run
    async def run(self) -> None:
        """Queue and send notifications; never ends."""
        workflow.set_current_details(f"Sends mail and SMS messages to buyers. {_ALWAYS}")
        for _ in range(RUNS):
            await workflow.execute_activity_method(
                NotificationActivities.dispatch_notifications, **_long_running("dispatch_notifications")
            )
        workflow.continue_as_new()


@workflow.defn
class WebhookDispatchWorkflow:
    """`webhook-dispatch`: one run at a time."""

    @workflow.run
    async def run(self) -> None:
        """Send webhooks; never ends."""
        workflow.set_current_details(f"Tells the shop's other systems what happens to orders. {_ALWAYS}")
        for _ in range(RUNS):
            await workflow.execute_activity_method(
                WebhookActivities.dispatch_webhooks, **_long_running("dispatch_webhooks")
            )
        workflow.continue_as_new()


@workflow.defn
class PeriodicWorkflow:
    """Repeats one job of the shop for ever, one workflow a job.

    Not a schedule: each run of a schedule is a row in the list of workflows, a row a minute among the orders.
    """

    @workflow.init
    def __init__(self, _: PeriodicJob) -> None:
        self._run_now = False
        self._results: list[int | None] = []

    @workflow.run
    async def run(self, job: PeriodicJob) -> None:
        """Run the job, wait, and again; a run that fails is logged, and the next comes at its time."""
        for _ in range(job.rounds):
            next_at = workflow.now() + timedelta(seconds=job.every)
            self._run_now = False
            self._results.append(await _run(job))
            does = DOES.get(job.activity, job.activity)
            workflow.set_current_details(f"{does} Next run at {next_at:%H:%M:%S} UTC, or at the signal `run_now`.")
            await self._wait_until(next_at, f"run {job.activity} again")
        workflow.continue_as_new(job)

    @workflow.signal(description="Run the job now instead of at its time. It takes no input.")
    def run_now(self) -> None:
        """Run the job now instead of at its time."""
        self._run_now = True

    @workflow.query(description="How many things each of the last runs changed; null: the run failed.")
    def results(self) -> list[int | None]:
        """How many things each run of the job changed since this workflow last continued as new; null: it failed."""
        return self._results

    async def _wait_until(self, moment: datetime, summary: str) -> None:
        left = max(moment - workflow.now(), timedelta(0))
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._run_now, timeout=left, timeout_summary=summary)


async def _run(job: PeriodicJob) -> int | None:
    try:
        changed: int = await workflow.execute_activity(
            job.activity,
            activity_id=job.activity,
            result_type=int,
            start_to_close_timeout=timedelta(seconds=job.attempt),
            retry_policy=RetryPolicy(maximum_attempts=3),
        )
    except FailureError as error:
        if isinstance(root_cause(error), CancelledError):
            raise
        workflow.logger.error("periodic_job.failed", extra={"job": job.activity})
        return None
    return changed
